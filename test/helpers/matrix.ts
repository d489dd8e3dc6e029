import { expect } from 'vitest'
import type { AtEnd } from './at-end.ts'
import { connect, connectV1, type Target } from './clients.ts'
import { startServer } from './program.ts'

/** Every kind of client on every transport. */
export const MATRIX = (['2026-07-28', 'legacy', 'v1'] as const).flatMap((client) =>
  (['stdio', 'HTTP'] as const).map((transport) => ({ client, transport })),
)
export type Combination = (typeof MATRIX)[number]

/** What the tests ask of a client, whichever SDK made it. */
export interface AnyClient {
  listPrompts(): Promise<{ prompts: ListedPrompt[] }>
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Promise<RenderedPrompt>
  listResources(): Promise<{ resources: { uri: string; mimeType?: string | undefined }[] }>
  listResourceTemplates(): Promise<{ resourceTemplates: { uriTemplate: string }[] }>
  readResource(params: {
    uri: string
  }): Promise<{ contents: { uri: string; mimeType?: string | undefined }[] }>
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(params: { name: string; arguments?: Record<string, unknown> }): Promise<ToolResult>
  complete(params: CompletionParams): Promise<{ completion: Completion }>
}

interface ListedPrompt {
  name: string
  title?: string | undefined
  arguments?: { name: string; description?: string | undefined; required?: boolean | undefined }[] | undefined
}

interface RenderedPrompt {
  messages: { role: string; content: unknown }[]
  _meta?: Record<string, unknown> | undefined
}

interface ToolResult {
  content: { type: string; text?: string }[]
  structuredContent?: unknown
  isError?: boolean | undefined
  _meta?: Record<string, unknown> | undefined
}

interface CompletionParams {
  ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }
  argument: { name: string; value: string }
  context?: { arguments: Record<string, string> }
}

interface Completion {
  values: string[]
  total?: number | undefined
  hasMore?: boolean | undefined
}

/** Where clients of one transport connect to, with the data in `folder`. Over HTTP a server is started. */
export async function targetOf(
  transport: Combination['transport'],
  folder: string,
  words: string[] = [],
  atEnd?: AtEnd,
): Promise<Target> {
  const settings = { PROMPTS_DATA_DIR: folder }
  return transport === 'stdio' ? { settings, words } : startServer(settings, atEnd)
}

export async function connectAny(
  target: Target,
  client: Combination['client'],
  atEnd?: AtEnd,
): Promise<AnyClient> {
  if (client !== 'v1') return connect(target, client, atEnd)
  const v1 = await connectV1(target, atEnd)
  return {
    listPrompts: () => v1.listPrompts(),
    getPrompt: (params) => v1.getPrompt(params),
    listResources: () => v1.listResources(),
    listResourceTemplates: () => v1.listResourceTemplates(),
    readResource: (params) => v1.readResource(params),
    listTools: () => v1.listTools(),
    // Its type also covers the shape of 2024-10-07, which had no `content`.
    callTool: async (params) => (await v1.callTool(params)) as ToolResult,
    complete: (params) => v1.complete(params),
  }
}

/** Asks for the values that complete `value`, with or without a topic chosen before. */
export function completer(mcp: AnyClient) {
  return async (
    ref: CompletionParams['ref'],
    name: string,
    value: string,
    topic_id?: string,
  ): Promise<string[]> => {
    const context = topic_id === undefined ? {} : { context: { arguments: { topic_id } } }
    return (await mcp.complete({ ref, argument: { name, value }, ...context })).completion.values
  }
}

/** The JSON-RPC error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<{ code: number; data: unknown }> {
  const error: unknown = await call.then(
    () => expect.fail('the call was answered'),
    (thrown: unknown) => thrown,
  )
  return error as { code: number; data: unknown }
}

/** Paths of the faulty fields in a problem document, in alphabetical order. */
export function faultyPaths(problem: unknown): string[] {
  const { errors } = problem as { errors: { path: string }[] }
  return errors.map(({ path }) => path).sort()
}

/** The JSON that a tool answers as text. */
export function jsonOf({ content }: ToolResult): unknown {
  return JSON.parse(content[0]?.text ?? '')
}
