import type { CallToolResult, ServerContext, Tool } from '@modelcontextprotocol/server'
import { type Caller, hasRole } from '../../domain/caller.ts'
import { AppError, invalidInput, problemOf, toAppError } from '../../domain/errors.ts'
import { operations } from '../../operations/table.ts'
import { answerSchema, type CallContext, type Operation } from '../../pipeline/operation.ts'
import { responseBody, responseJson } from '../../pipeline/result.ts'
import { portableSchema } from '../json-schema.ts'
import { executeVerb, type McpSession } from './session.ts'

const byTool = new Map(
  operations.flatMap((operation) => (operation.tool ? [[operation.tool, operation]] : [])),
)
const tools = new Map<Operation, Tool>()

/** The operation behind a tool, if the caller may know of it: with `--read-only` no writing tool exists. */
export function operationOf(tool: string, caller: Caller): Operation | undefined {
  const operation = byTool.get(tool)
  return operation && !(caller.readOnly && operation.effect !== 'read') ? operation : undefined
}

/** The tools that the caller's role allows. */
export function listTools(caller: Caller): Tool[] {
  return [...byTool.keys()]
    .map((tool) => operationOf(tool, caller))
    .filter((operation) => operation !== undefined)
    .filter((operation) => hasRole(caller, operation.role))
    .map(toolOf)
}

/** Calls a tool. Every failure is an `isError` result that the model can read; only an unknown name is not. */
export async function callTool(
  session: McpSession,
  name: unknown,
  input: unknown,
  context: Pick<CallContext, 'signal' | 'listener'> = {},
): Promise<CallToolResult> {
  const operation = typeof name === 'string' ? operationOf(name, session.caller) : undefined
  if (!operation) throw new AppError('not_found', 'There is no tool of this name.')
  try {
    const result = await executeVerb(session, operation, argumentsIn(input), context)
    return {
      content: [{ type: 'text', text: responseJson(result) }],
      structuredContent: responseBody(result),
    }
  } catch (thrown) {
    const problem = problemOf(toAppError(thrown))
    // No structuredContent: clients validate it against the output schema even on errors.
    return {
      content: [{ type: 'text', text: JSON.stringify(problem) }],
      isError: true,
      _meta: { code: problem.code },
    }
  }
}

/** The arguments of a call, which clients leave out or send as null when there are none. */
function argumentsIn(input: unknown): unknown {
  const given = input ?? {}
  if (typeof given === 'object' && !Array.isArray(given)) return given
  // As a function, so that the pipeline judges the caller's rights first.
  return () => {
    throw invalidInput([{ path: 'arguments', expected: 'object', message: 'expected an object.' }])
  }
}

function toolOf(operation: Operation): Tool {
  let tool = tools.get(operation)
  if (!tool) {
    tool = {
      name: operation.tool as string,
      title: operation.title,
      description: operation.summary,
      inputSchema: portableSchema(operation.input, 'input') as Tool['inputSchema'],
      outputSchema: portableSchema(answerSchema(operation), 'output') as Tool['outputSchema'],
      annotations: {
        title: operation.title,
        readOnlyHint: operation.effect === 'read',
        destructiveHint: operation.effect === 'delete',
        idempotentHint: operation.effect === 'read',
        openWorldHint: operation.streams ?? false,
      },
    }
    tools.set(operation, tool)
  }
  return tool
}

/** Marks the text so far as void: a progress message cannot be taken back. */
const RESET_MESSAGE = '\n[starting over]\n'

/**
 * What a tool call that asks a model needs from its request: the signal of its cancellation and, if the client sent a
 * progress token, a listener that sends the new text as progress notifications.
 */
export function progressOf({
  mcpReq: { _meta, signal, notify },
}: ServerContext): Pick<CallContext, 'signal' | 'listener'> {
  const progressToken = _meta?.progressToken
  if (progressToken === undefined) return { signal }
  let progress = 0
  const report = (message: string) => {
    progress++
    // Fails when the client has gone, which the signal reports.
    notify({ method: 'notifications/progress', params: { progressToken, progress, message } }).catch(() => {})
  }
  return { signal, listener: { onText: report, onReset: () => report(RESET_MESSAGE) } }
}
