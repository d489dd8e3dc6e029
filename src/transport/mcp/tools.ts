import type { CallToolResult, ListToolsResult, Tool } from '@modelcontextprotocol/server'
import { type Caller, hasRole } from '../../domain/caller.ts'
import { AppError, invalidInput, problemOf, toAppError } from '../../domain/errors.ts'
import { operations } from '../../operations/table.ts'
import { answerSchema, type Operation } from '../../pipeline/operation.ts'
import { responseBody, responseJson } from '../../pipeline/result.ts'
import { portableSchema } from '../json-schema.ts'
import { type CallOptions, executeOperation, type McpContext, type Params } from './context.ts'

const byTool = new Map(
  operations.flatMap((operation) => (operation.tool ? [[operation.tool, operation]] : [])),
)
const tools = new Map<Operation, Tool>()

/** The operation behind a tool, if the caller may know of it: with `--read-only` no writing tool exists. */
export function operationOf(tool: string, caller: Caller): Operation | undefined {
  const operation = byTool.get(tool)
  return operation && !(caller.readOnly && operation.effect !== 'read') ? operation : undefined
}

const toolLists = new Map<string, ListToolsResult>()

/** The tools that the caller's role allows: one object for all callers of the same rights. */
export function listTools(caller: Caller): ListToolsResult {
  const rights = `${caller.role} ${caller.readOnly ?? false}`
  let list = toolLists.get(rights)
  if (!list) {
    const allowed = [...byTool.keys()]
      .map((tool) => operationOf(tool, caller))
      .filter((operation) => operation !== undefined)
      .filter((operation) => hasRole(caller, operation.role))
    list = { tools: allowed.map(toolOf) }
    toolLists.set(rights, list)
  }
  return list
}

/** Calls a tool. Every failure is an `isError` result that the model can read; only an unknown name is not. */
export async function callTool(
  context: McpContext,
  { name, arguments: input }: Params,
  options: CallOptions = {},
): Promise<CallToolResult> {
  const operation = typeof name === 'string' ? operationOf(name, context.caller) : undefined
  if (!operation) throw new AppError('not_found', 'There is no tool of this name.')
  try {
    const result = await executeOperation(context, operation, argumentsIn(input), options)
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
        openWorldHint: operation.streams !== undefined,
      },
    }
    tools.set(operation, tool)
  }
  return tool
}
