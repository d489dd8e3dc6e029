import type { CacheHint, Server } from '@modelcontextprotocol/server'
import packageJson from '../../../package.json' with { type: 'json' }
import { complete } from './completion.ts'
import { getPrompt, listPrompts } from './prompts.ts'
import { listResources, RESOURCE_TEMPLATES, readResource } from './resources.ts'
import { StrictServer } from './sdk-server.ts'
import { handle, type McpSession } from './session.ts'
import { callTool, listTools, progressOf } from './tools.ts'

const INFO = {
  name: packageJson.name,
  title: 'PurposePath prompts',
  version: packageJson.version,
  description: packageJson.description,
}

const INSTRUCTIONS =
  'Every prompt is a topic with typed parameters. Find topics with list_topics, read texts with get_prompts, ' +
  'fill them in with render_prompts, have a model analyse figures with analyze_kpi. Errors name every faulty field.'

/** What a role or a key decides must not be shared; changes are announced, so a short life costs little. */
const BRIEFLY: CacheHint = { ttlMs: 1_000, cacheScope: 'private' }
const CACHE_HINTS = {
  'tools/list': BRIEFLY,
  'prompts/list': BRIEFLY,
  'resources/list': BRIEFLY,
  'resources/templates/list': { ttlMs: 3_600_000, cacheScope: 'private' },
  'resources/read': BRIEFLY,
  'server/discover': BRIEFLY,
} as const

/** What reaches the client beside answers: nothing over HTTP until revision 2025-11-25, which gets no stream there. */
export interface McpChannel {
  notifies: boolean
}

/**
 * A server for one connection (stdio) or one request (HTTP), of any protocol revision. The SDK's low-level one:
 * its high-level sibling would register every topic for each request, and check tool input before our pipeline
 * could audit it.
 */
export function createMcpServer(session: McpSession, { notifies }: McpChannel): Server {
  const server = new StrictServer(INFO, {
    capabilities: {
      // Only what this channel serves.
      prompts: notifies ? { listChanged: true } : {},
      resources: notifies ? { listChanged: true, subscribe: true } : {},
      tools: {},
      completions: {},
    },
    instructions: INSTRUCTIONS,
    cacheHints: CACHE_HINTS,
  })

  handle(server, 'prompts/list', (params) => listPrompts(session, params))
  handle(server, 'prompts/get', (params) => getPrompt(session, params))
  handle(server, 'resources/list', (params) => listResources(session, params))
  handle(server, 'resources/templates/list', () => ({ resourceTemplates: RESOURCE_TEMPLATES }))
  handle(server, 'resources/read', (params) => readResource(session, params))
  handle(server, 'tools/list', () => ({ tools: listTools(session.caller) }))
  handle(server, 'tools/call', (params, context) =>
    callTool(session, params['name'], params['arguments'], progressOf(context)),
  )
  handle(server, 'completion/complete', (params) => complete(session.catalog, params))
  return server
}
