import type { Server, ServerContext } from '@modelcontextprotocol/server'
import * as z from 'zod'
import packageJson from '../../../package.json' with { type: 'json' }
import { MAX_DEPTH, parseInput } from '../../domain/validation.ts'
import { JsonObject } from '../../util/json.ts'
import { type CallOptions, forMessage, type McpContext } from './context.ts'
import { CACHE_HINTS, METHODS, type Method, toProtocolError } from './methods.ts'
import { StrictServer } from './sdk-server.ts'
import { SKILLS_EXTENSION } from './skills.ts'

export const SERVER_INFO = {
  name: packageJson.name,
  title: 'PurposePath prompts',
  version: packageJson.version,
  description: packageJson.description,
}

const INSTRUCTIONS =
  'Every prompt is a topic with typed parameters. Find topics with list_topics, read texts with get_prompts, ' +
  'fill them in with render_prompts, have a model analyse figures with analyze_kpi. Errors name every faulty field.'

/**
 * How a client says which resources it wants to hear of. That lists have changed it hears in any case.
 *
 * - a set: by requests, which keep the set up to date (stdio, until revision 2025-11-25)
 * - `stream`: by the stream `subscriptions/listen`, which the SDK serves (revision 2026-07-28)
 * - `none`: not at all (HTTP until 2025-11-25: a request and the stream of events need not meet on one instance)
 */
export type Subscriptions = Set<string> | 'stream' | 'none'

/**
 * A server for one connection (stdio) or one request (HTTP), of any protocol revision. The SDK's low-level one:
 * its high-level sibling would register every topic for each request, and check tool input before our pipeline
 * could audit it.
 */
export function createMcpServer(context: McpContext, subscriptions: Subscriptions): Server {
  const isModern = subscriptions === 'stream'
  const server = new StrictServer(SERVER_INFO, {
    capabilities: {
      prompts: { listChanged: true },
      resources: { listChanged: true, ...(subscriptions !== 'none' && { subscribe: true }) },
      tools: {},
      completions: {},
      ...(isModern && { extensions: { [SKILLS_EXTENSION]: {} } }),
    },
    instructions: INSTRUCTIONS,
    cacheHints: CACHE_HINTS,
  })
  for (const [name, method] of METHODS) {
    if (isModern || !method.isModern) handle(server, name, context, method.run)
  }
  if (subscriptions instanceof Set) handleSubscriptions(server, context, subscriptions)
  return server
}

/**
 * Answers a method. With a schema of our own the SDK hands over what came: its own schemas would drop members without a
 * word, and answer what does not fit as an internal error.
 */
function handle(server: Server, method: string, context: McpContext, run: Method['run']): void {
  server.setRequestHandler(method, { params: JsonObject }, async (params, request) => {
    const { id, _meta } = request.mcpReq
    const message = { method, id, protocolVersion: server.getNegotiatedProtocolVersion() }
    try {
      return await run(forMessage(context, message, _meta), params, optionsOf(request))
    } catch (thrown) {
      throw toProtocolError(thrown)
    }
  })
}

const ResourceUri = z.object({ uri: z.string() })

function handleSubscriptions(server: Server, context: McpContext, uris: Set<string>): void {
  handle(server, 'resources/subscribe', context, (_, params) => {
    uris.add(parseInput(ResourceUri, params, MAX_DEPTH).uri)
    return {}
  })
  handle(server, 'resources/unsubscribe', context, (_, params) => {
    uris.delete(parseInput(ResourceUri, params, MAX_DEPTH).uri)
    return {}
  })
}

/** Marks the text so far as void: a progress message cannot be taken back. */
const RESET_MESSAGE = '\n[starting over]\n'

/** The text of a model goes to the client as progress notifications, if it sent a progress token. */
function optionsOf({ mcpReq: { _meta, signal, notify } }: ServerContext): CallOptions {
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
