import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import type { Caller } from '../../domain/caller.ts'
import type { Execute } from '../../pipeline/execute.ts'
import type { CallContext, Operation } from '../../pipeline/operation.ts'
import type { Result } from '../../pipeline/result.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'

/** What the handlers of one MCP connection (stdio) or request (HTTP) work with. */
export interface McpSession {
  execute: Execute
  catalog: Catalog
  caller: Caller
  /** `upstream` over HTTP, where the limits of all calls of a POST are consumed before the SDK sees it. */
  rateLimited?: 'upstream'
  /** Over HTTP the id of the POST; on stdio every call gets its own. */
  requestId?: string
}

/** The parameters of a request as they came: our own schemas check them, not the SDK's. */
export type Params = Record<string, unknown>

/** What ends a call early, and who hears a model's text while it is generated. */
export type CallOptions = Pick<CallContext, 'signal' | 'listener'>

/** Runs an operation on behalf of this session. */
export function executeVerb<Input extends z.ZodObject, Data extends z.ZodType>(
  { execute, caller, rateLimited, requestId = randomUUID() }: McpSession,
  operation: Operation<Input, Data>,
  input: unknown,
  options: CallOptions & Pick<CallContext, 'parameterPrefix'> = {},
): Promise<Result<z.input<Data>>> {
  return execute(operation, input, { caller, requestId, ...(rateLimited && { rateLimited }), ...options })
}
