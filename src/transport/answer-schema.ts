import * as z from 'zod'
import { Meta } from '../operations/operation.ts'

/** Why one part of a batch failed. */
export const PartFailure = z.object({ code: z.string(), detail: z.string() })

/** The schema of a whole answer whose `data` is of the given schema. */
export function answerSchema(data: z.ZodType) {
  return z.object({ data, meta: Meta.optional(), errors: z.record(z.string(), PartFailure).optional() })
}
