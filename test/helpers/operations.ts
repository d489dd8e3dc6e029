import type { z } from 'zod'
import type { Caller, Role } from '../../src/domain/caller.ts'
import { createPipeline } from '../../src/pipeline/execute.ts'
import type { CallContext, Operation, Services } from '../../src/pipeline/operation.ts'
import { type Result, responseBody } from '../../src/pipeline/result.ts'

/** Calls operations through the pipeline, as a caller without limits. */
export function caller(services: Services) {
  const { execute } = createPipeline({
    services,
    limiter: { consume: async () => ({ allowed: true, limit: 1, remaining: 1, resetSeconds: 0 }) },
    observe: () => {},
    warnOperator: () => {},
    reportDefect: (error) => {
      throw error
    },
  })
  return async <Input extends z.ZodObject, Data extends z.ZodType>(
    operation: Operation<Input, Data>,
    input: unknown,
    { role = 'admin', ...context }: { role?: Role } & Partial<CallContext> = {},
  ): Promise<Result<z.input<Data>>> => {
    const caller: Caller = { kind: 'local', subject: 'test', role }
    return responseBody(await execute(operation, input, { caller, requestId: 'r1', ...context }))
  }
}
