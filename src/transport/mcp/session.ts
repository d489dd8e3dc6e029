import { randomUUID } from 'node:crypto'
import {
  type Result as McpResult,
  ProtocolError,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type * as z from 'zod'
import type { Awaitable } from '../../domain/awaitable.ts'
import type { Caller } from '../../domain/caller.ts'
import { ERROR_CODES, problemOf, toAppError } from '../../domain/errors.ts'
import { JsonObject } from '../../domain/json.ts'
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

/** Runs an operation on behalf of this session. */
export function executeVerb<Input extends z.ZodObject, Data extends z.ZodType>(
  { execute, caller, rateLimited, requestId = randomUUID() }: McpSession,
  operation: Operation<Input, Data>,
  input: unknown,
  context: Pick<CallContext, 'signal' | 'listener' | 'parameterPrefix'> = {},
): Promise<Result<z.input<Data>>> {
  return execute(operation, input, { caller, requestId, ...(rateLimited && { rateLimited }), ...context })
}

/**
 * Answers a method. Failures become JSON-RPC errors that carry the problem document as their data.
 *
 * With a schema of our own the SDK hands over what came: its own schemas would drop members without a word, and
 * answer what does not fit as an internal error.
 */
export function handle(
  server: Server,
  method: string,
  handler: (params: Params, context: ServerContext) => Awaitable<McpResult>,
): void {
  server.setRequestHandler(method, { params: JsonObject }, async (params, context) => {
    try {
      return await handler(params, context)
    } catch (thrown) {
      throw thrown instanceof ProtocolError ? thrown : protocolErrorOf(thrown)
    }
  })
}

/** A failure as a JSON-RPC error that carries the problem document as its data. */
export function protocolErrorOf(thrown: unknown): ProtocolError {
  const error = toAppError(thrown)
  return new ProtocolError(ERROR_CODES[error.code].jsonrpc, error.message, problemOf(error))
}
