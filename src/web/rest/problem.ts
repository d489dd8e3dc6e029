import type { components } from './openapi.d.ts'

type Problem = components['schemas']['Problem']
/** One fault of an input: where it is, what was expected there, and for a template's its line and column. */
export type Fault = NonNullable<Problem['errors']>[number]
/** What a prompt is now, where another edit was saved first. */
export interface CurrentPrompt {
  revision: number
  content: string
  updated_by: string
  updated_at: string
}

/** Why a request failed: what the server said in its problem document, or `unreachable`, when it said nothing. */
export class RestError extends Error {
  readonly code: string
  readonly faults: readonly Fault[]
  readonly current: CurrentPrompt | undefined
  /** Seconds to wait before another try, if the server named them. */
  readonly retryAfter: number | undefined

  constructor(problem: Partial<Omit<Problem, 'code'>> & { code: string }, retryAfter?: number) {
    super(problem.detail ?? problem.title ?? problem.code)
    this.name = 'RestError'
    this.code = problem.code
    this.faults = problem.errors ?? []
    this.current = problem.current as CurrentPrompt | undefined
    this.retryAfter = retryAfter
  }
}

/** Whether `thrown` is a failure with this code. */
export function hasCode(thrown: unknown, code: string): thrown is RestError {
  return thrown instanceof RestError && thrown.code === code
}
