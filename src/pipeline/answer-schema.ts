import * as z from 'zod'
import { Meta, ModelMeta, type Operation } from './operation.ts'

/** Why one part of a batch failed. */
export const PartFailure = z.object({ code: z.string(), detail: z.string() })

/** The schema of a whole answer of an operation. */
export function answerSchema({ output, asksModel }: Pick<Operation, 'output' | 'asksModel'>) {
  const meta = asksModel ? ModelMeta : Meta.optional()
  return z.object({ data: output, meta, errors: z.record(z.string(), PartFailure).optional() })
}
