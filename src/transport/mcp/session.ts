import { randomUUID } from 'node:crypto'
import { ProtocolError } from '@modelcontextprotocol/server'
import type * as z from 'zod'
import type { Caller } from '../../domain/caller.ts'
import { ERROR_CODES, problemOf, toAppError } from '../../domain/errors.ts'
import type { Execute } from '../../operations/execute.ts'
import type { Answer, CallContext, Operation } from '../../operations/operation.ts'
import type { Catalog } from '../../services/catalog.ts'

/** What the handlers of one MCP connection (stdio) or request (HTTP) work with. */
export interface McpSession {
  execute: Execute
  catalog: Catalog
  caller: Caller
  /** True over HTTP, where the limits of all calls of a POST are taken before the SDK sees it (spec §5). */
  limitsTaken: boolean
  /** Over HTTP the id of the POST; on stdio every call gets its own. */
  requestId?: string
}

/** Facts of a call by this session. Arguments of MCP prompts are always strings, those of tools are JSON. */
export function contextOf(
  session: McpSession,
  parameterStyle: CallContext['parameterStyle'] = 'json',
): CallContext {
  const { caller, limitsTaken, requestId = randomUUID() } = session
  return { caller, limitsTaken, requestId, parameterStyle }
}

/** Runs an operation for a verb whose failures are JSON-RPC errors (prompts, resources, lists). */
export async function executeVerb<Input extends z.ZodObject, Data extends z.ZodType>(
  session: McpSession,
  operation: Operation<Input, Data>,
  input: unknown,
  style?: CallContext['parameterStyle'],
): Promise<Answer<z.input<Data>>> {
  try {
    return await session.execute(operation, input, contextOf(session, style))
  } catch (thrown) {
    throw protocolError(thrown)
  }
}

/** A failure as a JSON-RPC error that carries the problem document as its data (spec §3). */
export function protocolError(thrown: unknown): ProtocolError {
  const error = toAppError(thrown)
  return new ProtocolError(ERROR_CODES[error.code].jsonrpc, error.message, problemOf(error))
}
