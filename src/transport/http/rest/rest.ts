import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { andThen, isPending } from '../../../domain/awaitable.ts'
import type { Caller } from '../../../domain/caller.ts'
import type { Execute } from '../../../pipeline/execute.ts'
import type { CallContext, Result } from '../../../pipeline/operation.ts'
import type { Authenticate } from '../identity/authenticator.ts'
import { registerLegacyTemplates } from '../legacy-templates/routes.ts'
import { type Body, keptBody, passingBody } from './answer.ts'
import { callOf } from './call.ts'
import { inputReader } from './input.ts'
import { rawJsonBodies } from './json-body.ts'
import { disconnectSignal, type ModelCall, streamEvents, wantsEvents } from './model-calls.ts'
import { API_ROOT, type RestRoute, restRoutes, routerPath } from './routes.ts'

export interface RestDeps {
  execute: Execute
  authenticate: Authenticate
  /** Path that the public address adds before every route; usually empty. */
  basePath: string
}

/** REST below `/api/v1`: every operation that has a route (spec §3). */
export function registerRestRoutes(app: FastifyInstance, deps: RestDeps): void {
  app.register(
    async (scope) => {
      authenticateAll(scope, deps.authenticate)
      rawJsonBodies(scope)
      for (const route of restRoutes) addRoute(scope, route, deps)
      registerLegacyTemplates(scope, deps)
    },
    { prefix: API_ROOT },
  )
}

/** Every route of `scope` needs a credential, which is checked before the body is read. */
function authenticateAll(scope: FastifyInstance, authenticate: Authenticate): void {
  scope.addHook('onRequest', (request, _, done) => {
    const enter = (caller: Caller) => {
      request.caller = caller
      done()
    }
    const caller = authenticate(request)
    if (isPending(caller)) caller.then(enter, done)
    else enter(caller)
  })
}

function addRoute(scope: FastifyInstance, route: RestRoute, { execute, basePath }: RestDeps): void {
  const { operation, method, path } = route
  const readInput = inputReader({ ...operation, ...route })
  scope.route({
    method,
    url: routerPath(path),
    handler(request, reply) {
      const context = callOf(request, reply, operation, request.params as Record<string, string>)
      const call = (more?: Partial<CallContext>) =>
        execute(operation, () => readInput(request), more ? { ...context, ...more } : context)
      const toBody = (answer: Result<unknown>) => bodyOf(route, request, reply, answer, basePath)
      if (!operation.asksModel) return andThen(call(), toBody)
      // Where the body is the parameters, their names are its paths.
      const parameterPrefix = operation.wholeBody === undefined ? 'parameters' : ''
      const ask: ModelCall = (more) => call({ parameterPrefix, ...more })
      if (wantsEvents(request)) return streamEvents(reply, ask)
      return andThen(ask({ signal: disconnectSignal(reply) }), toBody)
    },
  })
}

/** The body of an answer, after its status and headers. */
function bodyOf(
  { method, operation, forAdmins }: RestRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Result<unknown>,
  basePath: string,
): Body | undefined {
  const { data, meta } = answer
  if (meta?.stale) reply.header('prompts-stale', 'true')
  if (method === 'GET' && !forAdmins) return keptBody(request, reply, answer)
  if (operation.creates !== undefined) {
    reply.code(201).header('location', basePath + API_ROOT + filled(operation.creates, data))
  }
  // What was deleted has no revision that an edit could be made from.
  if (forAdmins && meta?.revision !== undefined && operation.effect !== 'delete') {
    reply.header('etag', `"${meta.revision}"`)
  }
  return passingBody(reply, answer)
}

function filled(path: string, data: unknown): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => String((data as Record<string, unknown>)[name]))
}
