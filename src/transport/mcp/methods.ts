import { type CacheHint, type Result as McpResult, ProtocolError } from '@modelcontextprotocol/server'
import type { Caller } from '../../domain/caller.ts'
import { ERROR_CODES, problemOf, toAppError } from '../../domain/errors.ts'
import type { LimitName } from '../../domain/rate-limiter.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { complete } from './completion.ts'
import { BRIEFLY, type CallOptions, type McpContext, type Params } from './context.ts'
import { getPrompt, listPrompts } from './prompts.ts'
import { listResources, listResourceTemplates, readResource } from './resources.ts'
import { getSkill, listSkills } from './skills.ts'
import { callTool, listTools, operationOf } from './tools.ts'

/** A method of the protocol: served by the SDK's server, and over HTTP also without it. */
export interface Method {
  run(context: McpContext, params: Params, options: CallOptions): Awaitable<McpResult>
  /** The limit that a call counts against over HTTP. */
  limit(params: Params, caller: Caller): LimitName | undefined
  /** How long clients of revision 2026-07-28 may keep the answer. */
  cacheHint?: CacheHint
  /** True if the answer is one object for all callers of the same rights: its JSON is made once. */
  isConstant?: true
  /** True for methods of an extension that clients before revision 2026-07-28 do not know. */
  isModern?: true
}

const retrieval = () => 'retrieval' as const
const unlimited = () => undefined

/** Every method that answers with data of ours. The handshake, `ping` and subscriptions are the SDK's. */
export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['prompts/list', { run: listPrompts, limit: retrieval, cacheHint: BRIEFLY }],
  ['prompts/get', { run: getPrompt, limit: retrieval }],
  ['resources/list', { run: listResources, limit: retrieval, cacheHint: BRIEFLY }],
  [
    'resources/templates/list',
    { run: listResourceTemplates, limit: unlimited, cacheHint: { ttlMs: 3_600_000, cacheScope: 'private' } },
  ],
  ['resources/read', { run: readResource, limit: retrieval, cacheHint: BRIEFLY }],
  [
    'tools/list',
    { run: ({ caller }) => listTools(caller), limit: retrieval, cacheHint: BRIEFLY, isConstant: true },
  ],
  ['tools/call', { run: callTool, limit: limitOfTool }],
  ['skills/list', { run: listSkills, limit: retrieval, isModern: true }],
  ['skills/get', { run: getSkill, limit: retrieval, isModern: true }],
  ['completion/complete', { run: ({ catalog }, params) => complete(catalog, params), limit: retrieval }],
])

/** `server/discover` is the SDK's, but its answer depends on the same things as the lists. */
export const CACHE_HINTS = {
  ...Object.fromEntries(
    [...METHODS].flatMap(([name, { cacheHint }]) => (cacheHint ? [[name, cacheHint]] : [])),
  ),
  'server/discover': BRIEFLY,
}

function limitOfTool({ name }: Params, caller: Caller): LimitName {
  return (typeof name === 'string' && operationOf(name, caller)?.limit) || 'retrieval'
}

/** A failure of a method as JSON-RPC knows it: the problem document is the error's data. */
export function toProtocolError(thrown: unknown): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown
  const error = toAppError(thrown)
  return new ProtocolError(ERROR_CODES[error.code].jsonrpc, error.message, problemOf(error))
}
