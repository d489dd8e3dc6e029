import { type AuthInfo, createMcpHandler, ProtocolErrorCode } from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Caller, hasRole } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import { NOT_JSON, parseJson } from '../../domain/json.ts'
import type { LimitName, RateLimiter } from '../../domain/rate-limiter.ts'
import { consumeLimit, type Execute } from '../../pipeline/execute.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import { announceChanges } from '../mcp/changes.ts'
import { createMcpServer } from '../mcp/server.ts'
import { operationOf } from '../mcp/tools.ts'
import { acceptedForms } from './accept.ts'
import { respondWithFetch } from './fetch-adapter.ts'
import { type Authenticate, callerOf } from './identity/authenticator.ts'
import { countStreams } from './mcp-streams.ts'
import { setRateLimitHeaders } from './rate-limit-headers.ts'

export interface McpHttpDeps {
  execute: Execute
  catalog: Catalog
  limiter: RateLimiter
  authenticate: Authenticate
  /** Whether the credential of an open stream is still valid. */
  isStillValid: (request: FastifyRequest) => Promise<boolean>
  reportError: (error: Error) => void
  reportDefect: (error: unknown, requestId: string) => void
}

/** Methods that answer with data of ours; the others (handshake, ping, subscriptions) are not limited. */
const RETRIEVALS = new Set([
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'tools/list',
  'completion/complete',
])

/**
 * `POST /mcp`: Streamable HTTP for every protocol revision.
 *
 * @returns how to end it: waits for running calls, then closes the streams of subscribers.
 */
export function registerMcp(app: FastifyInstance, deps: McpHttpDeps): () => Promise<void> {
  const { execute, catalog, limiter, authenticate, isStillValid, reportError, reportDefect } = deps
  const handler = createMcpHandler(
    ({ era, authInfo }) => {
      const { caller, requestId } = (authInfo as AuthInfo).extra as { caller: Caller; requestId: string }
      const session = { execute, catalog, caller, requestId, rateLimited: 'upstream' as const }
      return createMcpServer(session, { notifies: era !== 'legacy' })
    },
    // How many streams there may be is decided below, for each caller.
    { onerror: reportError, maxSubscriptions: Number.MAX_SAFE_INTEGER },
  )
  const running = new Set<Promise<void>>()
  const streams = countStreams(isStillValid)

  announceChanges(catalog, ({ promptsChanged, resourcesChanged, updatedUris }) => {
    if (promptsChanged) handler.notify.promptsChanged()
    if (resourcesChanged) handler.notify.resourcesChanged()
    for (const uri of updatedUris) handler.notify.resourceUpdated(uri)
  })

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) =>
      done(null, parseJson(body as Buffer)),
    )

    scope.route({
      method: 'POST',
      url: '/mcp',
      // Before the body is read: an unknown client's megabyte is not worth reading.
      async onRequest(request) {
        const caller = await authenticate(request)
        request.caller = caller
        if (!hasRole(caller, 'service')) throw new AppError('forbidden', 'This needs the role "service".')
      },
      async handler(request, reply) {
        const { body } = request
        const caller = callerOf(request)
        if (body === NOT_JSON) return reply.code(400).send(parseError)
        for (const [limit, cost] of costsOf(body, caller)) {
          await consumeLimit(limiter, caller, limit, cost, (status) =>
            setRateLimitHeaders(reply, limit, status),
          )
        }
        const isStream = isSubscription(request)
        // A subscription ends when the client leaves: there is nothing to collect for one that reads JSON alone.
        if (isStream && !acceptedForms(request.headers.accept).events)
          return reply.code(406).send(notAcceptable)
        const endStream = isStream ? streams.open(request, reply) : () => {}
        reply.raw.setHeaders(new Map(Object.entries(reply.getHeaders()) as [string, string][]))
        reply.hijack()
        const authInfo = {
          token: '',
          clientId: caller.subject,
          scopes: [],
          extra: { caller, requestId: request.id },
        }
        const options = { parsedBody: body, authInfo }
        const answer = respondWithFetch(handler.fetch, request.raw, reply.raw, options).catch((error) => {
          // Fastify has let go of this request: a failure from here on is ours to answer.
          reportDefect(error, request.id)
          if (!reply.raw.headersSent) reply.raw.writeHead(500)
          reply.raw.end()
        })
        if (!isStream) track(answer)
        await answer.finally(endStream)
      },
    })
  })

  function track(answer: Promise<void>): void {
    running.add(answer)
    void answer.finally(() => running.delete(answer))
  }

  return async () => {
    await Promise.allSettled(running)
    await handler.close()
  }
}

const parseError = {
  jsonrpc: '2.0',
  error: { code: ProtocolErrorCode.ParseError, message: 'The body is not JSON.' },
  id: null,
}

const notAcceptable = {
  jsonrpc: '2.0',
  error: { code: -32_000, message: 'Not Acceptable: a subscription is answered with text/event-stream.' },
  id: null,
}

function isSubscription({ body }: FastifyRequest): boolean {
  return (body as { method?: unknown } | null)?.method === 'subscriptions/listen'
}

/** How many calls of a POST count against each limit; a POST may hold a batch until revision 2025-03-26. */
function costsOf(body: unknown, caller: Caller): Map<LimitName, number> {
  const costs = new Map<LimitName, number>()
  for (const message of Array.isArray(body) ? body : [body]) {
    const limit = limitOf(message, caller)
    if (limit) costs.set(limit, (costs.get(limit) ?? 0) + 1)
  }
  return costs
}

function limitOf(message: unknown, caller: Caller): LimitName | undefined {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } }
  if (method === 'tools/call') {
    const { name } = params ?? {}
    return (typeof name === 'string' && operationOf(name, caller)?.limit) || 'retrieval'
  }
  return typeof method === 'string' && RETRIEVALS.has(method) ? 'retrieval' : undefined
}
