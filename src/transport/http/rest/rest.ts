import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Execute } from '../../../pipeline/execute.ts'
import type { CallContext, Operation } from '../../../pipeline/operation.ts'
import type { Result } from '../../../pipeline/result.ts'
import { abortOnDisconnect } from '../disconnect.ts'
import { type Authenticate, callerOf } from '../identity/authenticator.ts'
import { setRateLimitHeaders } from '../rate-limit-headers.ts'
import { acceptsEvents, streamResult } from '../sse.ts'
import { applyPreference } from './header-fields.ts'
import { inputReader, revisionsIn } from './input.ts'
import { rawJsonBodies } from './json-body.ts'
import { sendResult } from './response.ts'
import { API_ROOT, type RestRoute, restRoutes, routerPath } from './routes.ts'

export interface RestDeps {
  execute: Execute
  authenticate: Authenticate
  /** Path that the public address adds before every route; usually empty. */
  basePath: string
  /** Registers further routes below `/api/v1`, which need a credential like all others. */
  extraRoutes: (scope: FastifyInstance) => void
}

/** REST below `/api/v1`: every operation that has a route. */
export function registerRestRoutes(app: FastifyInstance, deps: RestDeps): void {
  app.register(
    async (scope) => {
      // Before the body is read.
      scope.addHook('onRequest', async (request) => {
        request.caller = await deps.authenticate(request)
      })
      rawJsonBodies(scope)
      for (const route of restRoutes) addRoute(scope, route, deps)
      deps.extraRoutes(scope)
    },
    { prefix: API_ROOT },
  )
}

function addRoute(scope: FastifyInstance, route: RestRoute, { execute, basePath }: RestDeps): void {
  const { operation, method, path } = route
  const readInput = inputReader({ ...operation, ...route })
  // Where the body is the parameters, their names are its paths.
  const surface = { parameterPrefix: operation.wholeBody === 'parameters' ? '' : 'parameters' }
  scope.route({
    method,
    url: routerPath(path),
    async handler(request, reply) {
      const context = { ...callContext(request, reply, operation), ...surface }
      const run = (more: Partial<CallContext>) =>
        execute(operation, () => readInput(request), { ...context, ...more })
      applyPreference(operation, request, reply)
      const { streams } = operation
      if (!streams) return send(await run({}))
      if (!acceptsEvents(request)) return send(await run({ signal: abortOnDisconnect(reply).signal }))
      const result = await streamResult(reply, streams, run)
      return result && send(result)

      function send(result: Result<unknown>): FastifyReply {
        if (result.meta?.stale) reply.header('prompts-stale', 'true')
        if (operation.creates !== undefined) {
          reply.code(201).header('location', basePath + API_ROOT + filled(operation.creates, result.data))
        }
        return sendResult(request, reply, result, operation.cache)
      }
    },
  })
}

/** The facts of a request that the pipeline needs. `path` holds the input fields that are known before the body is read. */
export function callContext(
  request: FastifyRequest,
  reply: FastifyReply,
  { limit }: Pick<Operation, 'limit'>,
  path = request.params as Record<string, string>,
): CallContext {
  const ifMatch = revisionsIn(request.headers['if-match'])
  return {
    caller: callerOf(request),
    requestId: request.id,
    origin: { traceparent: request.headers['traceparent'] as string | undefined },
    path,
    ...(ifMatch && { ifMatch }),
    onRateLimit: (status) => setRateLimitHeaders(reply, limit, status),
  }
}

function filled(path: string, data: unknown): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => String((data as Record<string, unknown>)[name]))
}
