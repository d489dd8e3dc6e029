import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FastifyInstance, fastify } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { urlAt } from '../../util/address.ts'
import { within } from '../../util/time.ts'
import { registerAdminPage } from './admin-page/routes.ts'
import { type HealthDeps, registerHealthRoutes } from './health.ts'
import { type HostOptions, validateHostAndOrigin } from './host-and-origin.ts'
import { type ProtectedResourceDeps, registerProtectedResource } from './identity/protected-resource.ts'
import { registerSessionRoutes, type SessionDeps } from './identity/session.ts'
import { registerSignInRoutes, type SignInDeps } from './identity/sign-in.ts'
import { legacyTemplatePaths } from './legacy-templates/openapi.ts'
import { registerLegacyTemplates } from './legacy-templates/routes.ts'
import { LingeringResponse } from './lingering-close.ts'
import { type McpHttpDeps, registerMcp } from './mcp/routes.ts'
import { methodNotAllowed } from './method-not-allowed.ts'
import { registerDocs } from './openapi/docs.ts'
import { registerErrorHandlers, rejectMalformedRequest, sendProblem } from './problems.ts'
import { readForwardedLists, trusted } from './proxies.ts'
import { type RestDeps, registerRestRoutes } from './rest/rest.ts'
import { closeStalledConnections } from './slow-readers.ts'

/** Largest request body. */
const MAX_BODY_BYTES = 1024 * 1024
/** Slow clients: time for the headers and for a whole request, and how often it is looked at. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const TIMEOUT_CHECK_MS = 2_000
/** Path fields may be as long as a request line: too long a name is refused by name, not as an unknown address. */
const MAX_PATH_FIELD = 16 * 1024
/** How long a shutdown waits for running calls, unless told otherwise. */
const GRACE_MS = 3_000
/** How often a shutdown looks whether calls are still running. */
const DRAIN_POLL_MS = 10
/** Time for the last answers. */
const LAST_WORDS_MS = 500

export interface HttpOptions extends HostOptions {
  host: string
  port: number
  /** See {@link Config.publicUrl}. */
  publicUrl?: string | undefined
  /** See {@link Config.trustProxy}. */
  trustProxy?: number | string[] | undefined
  /** See {@link Config.shutdown}. */
  shutdown?: { graceMs: number }
}

/** What follows from the options, for everything that needs it. */
type Derived = 'basePath' | 'publicUrl' | 'behindProxy' | 'hostFault'
export type HttpDeps = Omit<
  McpHttpDeps & HealthDeps & SignInDeps & SessionDeps & ProtectedResourceDeps & RestDeps,
  Derived | 'extraRoutes'
> & {
  /** See {@link Pipeline.inFlight}. */
  inFlight: () => number
  /** Folder of the page at `/docs`. */
  docsRoot: string
  /** Folder of the page at `/admin/`. */
  adminPageRoot: string
  /** Ends what waits for a model. */
  abortModelCalls: () => void
}

/** A server that does not listen yet. */
export interface HttpServer {
  app: FastifyInstance
  /** Finishes what is running, as long as a shutdown may take, and ends open streams. */
  close(): Promise<void>
}

/** Everything that goes over HTTP on one port, as a Fastify application. */
export function createHttpServer(options: HttpOptions, deps: HttpDeps): HttpServer {
  const { publicUrl } = options
  const basePath = publicUrl === undefined ? '' : pathOf(publicUrl)
  const shared = { ...deps, basePath, publicUrl, behindProxy: Boolean(options.trustProxy) }
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      ServerResponse: LingeringResponse,
    },
    trustProxy: trusted(options.trustProxy),
    genReqId: requestIds(),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PATH_FIELD },
    rewriteUrl: ({ url = '' }) => withoutBase(url, basePath),
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply, shared),
    clientErrorHandler: rejectMalformedRequest,
  })
  app.decorateRequest('startedAt', 0)
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', (request, reply, done) => {
    request.startedAt = performance.now()
    reply.header('x-request-id', request.id)
    done()
  })
  if (options.trustProxy) readForwardedLists(app, options.trustProxy)
  closeStalledConnections(app)
  const addMethodNotAllowed = methodNotAllowed(app)
  registerErrorHandlers(app, shared)
  const hostFault = validateHostAndOrigin(app, options)
  registerHealthRoutes(app, { ...shared, hostFault })
  registerSignInRoutes(app, shared)
  registerSessionRoutes(app, shared)
  registerProtectedResource(app, shared)
  registerRestRoutes(app, { ...shared, extraRoutes: (scope) => registerLegacyTemplates(scope, shared) })
  const closeMcp = registerMcp(app, shared)
  registerDocs(app, { publicUrl, extraPaths: legacyTemplatePaths, root: deps.docsRoot })
  registerAdminPage(app, { root: deps.adminPageRoot, signInBy: deps.issuerSignIn ? 'issuer' : 'link' })
  app.register(async () => addMethodNotAllowed())

  return {
    app,
    async close() {
      app.server.close()
      app.server.closeIdleConnections()
      const drained = Promise.all([drain(deps.inFlight), closeMcp()])
      try {
        await within(options.shutdown?.graceMs ?? GRACE_MS, drained)
        // What still runs waits for a model: its callers hear that this is the end.
        deps.abortModelCalls()
        await within(LAST_WORDS_MS, drained)
      } finally {
        app.server.closeAllConnections()
        await app.close()
      }
    },
  }
}

/** Ids that no other process gives either: a random part for all of this one's, and a number. */
function requestIds(): () => string {
  const start = randomBytes(8).toString('hex')
  let number = 0
  return () => {
    number++
    return `${start}-${number}`
  }
}

function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/$/, '')
}

/** Behind a proxy that does not cut it off, a request's path begins with that of the public address. */
function withoutBase(url: string, basePath: string): string {
  return url === basePath || url.startsWith(`${basePath}/`) ? url.slice(basePath.length) || '/' : url
}

/**
 * Listens on `host` and `port`.
 *
 * @returns the address that it listens on, for example `http://127.0.0.1:3000`.
 * @throws AppError `unavailable` when the port is taken or the address is not this machine's.
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: Pick<HttpOptions, 'host' | 'port'>,
): Promise<string> {
  try {
    await app.listen({ host, port })
    return urlAt(host, (app.server.address() as AddressInfo).port)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'EADDRINUSE'
        ? `port ${port} on ${host} is taken by another program. Stop it, or choose another port with --port or PROMPTS_PORT.`
        : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
          ? `${host} is not an address of this machine. Choose another with --host or PROMPTS_HOST.`
          : code === 'EACCES'
            ? `port ${port} needs more rights. Choose one above 1023 with --port or PROMPTS_PORT.`
            : message
    throw new AppError('unavailable', `Cannot listen: ${reason}`, { cause: error })
  }
}

async function drain(inFlight: () => number): Promise<void> {
  // One look more than needed: the last answer is sent in the turn after its call has ended.
  do await sleep(DRAIN_POLL_MS)
  while (inFlight() > 0)
}
