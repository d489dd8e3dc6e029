import { createPipeline, type Execute, type PipelineDeps } from '../../src/pipeline/execute.ts'
import type { Services } from '../../src/pipeline/operation.ts'

/** A limiter that refuses nothing. */
export const noLimits = {
  consume: () => ({ allowed: true, limit: 1, remaining: 1, resetSeconds: 0 }),
} satisfies PipelineDeps['limiter']

/** A defect fails the test. */
export function reportDefect(error: unknown): never {
  throw error
}

/** The pipeline over `services`, without limits and observers. */
export function executeOver(services: Services): Execute {
  const unheard = { observe: () => {}, warnOperator: () => {} }
  return createPipeline({ services, limiter: noLimits, reportDefect, ...unheard }).execute
}
