import {
  classifyInboundRequest,
  type InboundClassificationOutcome,
  ProtocolErrorCode,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Caller, hasRole } from '../../../domain/caller.ts'
import { AppError } from '../../../domain/errors.ts'
import type { LimitName, RateLimiter } from '../../../domain/rate-limiter.ts'
import { consumeLimit, type Execute } from '../../../pipeline/execute.ts'
import type { Catalog } from '../../../services/catalog/catalog.ts'
import { NOT_JSON, parseJson } from '../../../util/json.ts'
import { raceAbort } from '../../../util/time.ts'
import { announceChanges } from '../../mcp/changes.ts'
import type { McpContext, Params } from '../../mcp/context.ts'
import { METHODS } from '../../mcp/methods.ts'
import { normalizeMessage } from '../../mcp/normalize.ts'
import { operationOf } from '../../mcp/tools.ts'
import { acceptedForms } from '../accept.ts'
import { onClosed } from '../disconnect.ts'
import { type Authenticate, callerOf } from '../identity/authenticator.ts'
import { setRateLimitHeaders } from '../rate-limit-headers.ts'
import { createEventStreams } from './event-streams.ts'
import { carryOut, exchangeOf } from './exchange.ts'
import { countStreams } from './open-streams.ts'
import { sdkWay } from './sdk.ts'
import { createSessions } from './sessions.ts'

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

/**
 * `/mcp`: Streamable HTTP for every protocol revision.
 *
 * - `POST`: one message, or a batch until revision 2025-03-26
 * - `GET`: a stream of events for clients of the era of 2025
 * - `DELETE`: the end of a session of that era
 *
 * @returns how to end it: waits for running calls, then closes the streams.
 */
export function registerMcp(app: FastifyInstance, deps: McpHttpDeps): () => Promise<void> {
  const { execute, catalog, limiter, authenticate, isStillValid, reportError, reportDefect } = deps
  const sdk = sdkWay(reportError)
  const sessions = createSessions()
  const events = createEventStreams()
  const streams = countStreams(isStillValid)
  const running = new Set<Promise<unknown>>()

  announceChanges(catalog, (notice) => {
    const { promptsChanged, resourcesChanged, updatedUris } = notice
    events.notify(notice)
    if (promptsChanged) sdk.notify.promptsChanged()
    if (resourcesChanged) sdk.notify.resourcesChanged()
    for (const uri of updatedUris) sdk.notify.resourceUpdated(uri)
  })

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) =>
      done(null, parseJson(body as Buffer)),
    )
    // Before the body is read: an unknown client's megabyte is not worth reading.
    scope.addHook('onRequest', async (request) => {
      const caller = await authenticate(request)
      request.caller = caller
      if (!hasRole(caller, 'service')) throw new AppError('forbidden', 'This needs the role "service".')
    })
    scope.post('/mcp', post)
    scope.get('/mcp', { exposeHeadRoute: false }, async (request, reply) => {
      checkEra(request, reply)
      if (!acceptedForms(request.headers.accept).events) return reply.code(406).send(notAcceptable)
      onClosed(reply, streams.open(request, reply))
      events.open(request, reply)
      sessions.attach(request, reply)
      return reply
    })
    scope.delete('/mcp', async (request, reply) => {
      checkEra(request, reply)
      sessions.end(request)
      return reply.code(204).send()
    })
  })

  async function post(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { body } = request
    const caller = callerOf(request)
    if (body === NOT_JSON) return reply.code(400).send(parseError)
    normalizeMessage(body)
    for (const [limit, cost] of costsOf(body, caller)) {
      await consumeLimit(limiter, caller, limit, cost, (status) => setRateLimitHeaders(reply, limit, status))
    }
    const route = routeOf(request)
    const traceparent = request.headers['traceparent'] as string | undefined
    const context: McpContext = { execute, catalog, caller, post: { requestId: request.id, traceparent } }
    const signal = sessions.begin(request, reply)
    if (methodOf(body) === 'notifications/cancelled') sessions.cancel(request)
    const mayStream = asksModel(body, caller) && acceptedForms(request.headers.accept).events
    const exchange = mayStream ? undefined : exchangeOf(route, request)
    if (exchange) {
      const json = await track(carryOut(exchange, context, signal))
      // A cancelled call has no response (MCP 2025-11-25, "Cancellation").
      if (signal.aborted) return reply.code(202).send()
      return reply.header('content-type', 'application/json').send(Buffer.from(json))
    }
    const isSubscription = methodOf(body) === 'subscriptions/listen'
    // A subscription ends when the client leaves: there is nothing to collect for one that reads JSON alone.
    if (isSubscription && !acceptedForms(request.headers.accept).events)
      return reply.code(406).send(notAcceptable)
    const endStream = isSubscription ? streams.open(request, reply) : () => {}
    const answer = raceAbort(sdk.answer(request, reply, { route, context, signal, mayStream }), signal)
    await (isSubscription ? answer : track(answer)).catch(fail).finally(endStream)

    /** Fastify has let go of this request: a failure from here on is ours to answer. */
    function fail(error: unknown): void {
      const { raw } = reply
      if (!signal.aborted) reportDefect(error, request.id)
      if (!raw.headersSent) raw.writeHead(signal.aborted ? 202 : 500).end()
      else if (signal.aborted) raw.end()
      // An end would make a broken answer look whole.
      else raw.destroy()
    }
  }

  function track<T>(answer: Promise<T>): Promise<T> {
    running.add(answer)
    const done = () => running.delete(answer)
    answer.then(done, done)
    return answer
  }

  return async () => {
    events.close()
    await Promise.allSettled(running)
    await sdk.close()
  }
}

const parseError = {
  jsonrpc: '2.0',
  error: { code: ProtocolErrorCode.ParseError, message: 'The body is not JSON.' },
  id: null,
}

const notAcceptable = {
  jsonrpc: '2.0',
  error: { code: -32_000, message: 'Not Acceptable: this is answered with text/event-stream.' },
  id: null,
}

/** Which era a POST is of, or what is wrong with it. */
function routeOf({ body, headers }: FastifyRequest): InboundClassificationOutcome {
  const header = (name: string) => headers[name] as string | undefined
  return classifyInboundRequest({
    httpMethod: 'POST',
    protocolVersionHeader: header('mcp-protocol-version'),
    mcpMethodHeader: header('mcp-method'),
    mcpNameHeader: header('mcp-name'),
    body,
  })
}

/** `GET` and `DELETE` belong to the revisions with a handshake. */
function checkEra({ headers, method }: FastifyRequest, reply: FastifyReply): void {
  const version = headers['mcp-protocol-version']
  if (version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(version as string)) return
  reply.header('allow', 'POST')
  throw new AppError('method_not_allowed', `${method} is not possible in this protocol revision; POST is.`)
}

function methodOf(body: unknown): unknown {
  return (body as { method?: unknown } | null)?.method
}

/** Whether the body calls a tool whose answer comes piece by piece, and takes its time. */
function asksModel(body: unknown, caller: Caller): boolean {
  if (methodOf(body) !== 'tools/call') return false
  const { name } = (body as { params?: Params }).params ?? {}
  return typeof name === 'string' && operationOf(name, caller)?.streams === true
}

/** How many calls of a POST count against each limit; a POST may hold a batch until revision 2025-03-26. */
function costsOf(body: unknown, caller: Caller): Map<LimitName, number> {
  const costs = new Map<LimitName, number>()
  for (const message of Array.isArray(body) ? body : [body]) {
    const { params } = (message ?? {}) as { params?: Params | null }
    const limit = METHODS.get(methodOf(message) as string)?.limit(params ?? {}, caller)
    if (limit) costs.set(limit, (costs.get(limit) ?? 0) + 1)
  }
  return costs
}
