import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import type { Caller } from '../../domain/caller.ts'
import type { McpMessage } from '../../domain/telemetry.ts'
import type { Execute } from '../../pipeline/execute.ts'
import type { CallContext, Operation } from '../../pipeline/operation.ts'
import type { Result } from '../../pipeline/result.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'

/** What the handlers of one MCP connection (stdio) or request (HTTP) work with. */
export interface McpContext {
  execute: Execute
  catalog: Catalog
  caller: Caller
  /** The POST that asks; missing on stdio. The limits of all its calls are consumed before any of them runs. */
  post?: {
    /** The id of all its calls; on stdio every call gets its own. */
    requestId: string
    /** The header `traceparent`. */
    traceparent: string | undefined
  }
  /** The message that is answered. */
  message?: McpMessage
}

/** The parameters of a request as they came: our own schemas check them, not the SDK's. */
export type Params = Record<string, unknown>

/** What ends a call early, and who hears a model's text while it is generated. */
export type CallOptions = Pick<CallContext, 'signal' | 'listener'>

/** What a role or a key decides must not be shared; changes are announced, so a short life costs little. */
export const BRIEFLY = { ttlMs: 1_000, cacheScope: 'private' } as const

/** Runs an operation for the caller. */
export function executeOperation<Input extends z.ZodObject, Data extends z.ZodType>(
  context: McpContext,
  operation: Operation<Input, Data>,
  input: unknown,
  options: CallOptions & Pick<CallContext, 'parameterPrefix'> = {},
): Promise<Result<z.input<Data>>> {
  const { execute, caller, post, message } = context
  const mcp = message && { ...message, tool: operation.tool }
  return execute(operation, input, {
    caller,
    requestId: post?.requestId ?? randomUUID(),
    origin: { traceparent: post?.traceparent, ...(mcp && { mcp }) },
    ...(post && { isCounted: true }),
    ...options,
  })
}

/** The context of one message; `meta` is its `params._meta`. */
export function forMessage(
  context: McpContext,
  message: Pick<McpMessage, 'method' | 'id' | 'protocolVersion'>,
  meta: unknown,
): McpContext {
  const { traceparent } = (meta ?? {}) as Params
  const transport = context.post ? 'tcp' : 'pipe'
  return { ...context, message: { ...message, transport, traceparent } }
}
