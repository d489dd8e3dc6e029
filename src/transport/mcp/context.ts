import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import type { Caller } from '../../domain/caller.ts'
import type { CallOrigin, McpMessage } from '../../domain/telemetry.ts'
import type { Execute } from '../../pipeline/execute.ts'
import type { CallContext, Operation } from '../../pipeline/operation.ts'
import type { Result } from '../../pipeline/result.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'

/** What the handlers of one MCP connection (stdio) or request (HTTP) work with. */
export interface McpContext {
  execute: Execute
  catalog: Catalog
  caller: Caller
  /** Over HTTP the limits of all calls of a POST are consumed at once, before the SDK sees it. */
  isCounted?: true
  /** Over HTTP the id of the POST; on stdio every call gets its own. */
  requestId?: string
  /** Over HTTP the header `traceparent` of the POST. */
  traceparent?: string | undefined
  /** The message that is answered. */
  message?: McpMessage
}

/** The parameters of a request as they came: our own schemas check them, not the SDK's. */
export type Params = Record<string, unknown>

/** What ends a call early, and who hears a model's text while it is generated. */
export type CallOptions = Pick<CallContext, 'signal' | 'listener'>

/** Runs an operation for the caller. */
export function executeOperation<Input extends z.ZodObject, Data extends z.ZodType>(
  context: McpContext,
  operation: Operation<Input, Data>,
  input: unknown,
  options: CallOptions & Pick<CallContext, 'parameterPrefix'> = {},
): Promise<Result<z.input<Data>>> {
  const { execute, caller, isCounted, requestId = randomUUID() } = context
  const origin = originOf(context, operation)
  return execute(operation, input, {
    caller,
    requestId,
    origin,
    ...(isCounted && { isCounted }),
    ...options,
  })
}

function originOf({ traceparent, message }: McpContext, { tool }: Pick<Operation, 'tool'>): CallOrigin {
  return { traceparent, ...(message && { mcp: { ...message, tool } }) }
}

/** The context of one message; `meta` is its `params._meta`. */
export function forMessage(
  context: McpContext,
  message: Pick<McpMessage, 'method' | 'id' | 'protocolVersion'>,
  meta: unknown,
): McpContext {
  const { traceparent } = (meta ?? {}) as Params
  // Only over HTTP limits are consumed before.
  const transport = context.isCounted ? 'tcp' : 'pipe'
  return { ...context, message: { ...message, transport, traceparent } }
}
