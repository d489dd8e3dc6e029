import type { FastifyInstance } from 'fastify'
import { hasRole } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import { isLoopback } from '../../util/address.ts'
import type { HostFault } from './host-and-origin.ts'
import type { Authenticate } from './identity/authenticator.ts'
import { credentialReader } from './identity/credentials.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for routes that answer whatever the `Host` header says: balancers ask by address. */
    anyHost?: boolean
    /** True for routes that check the `Host` header themselves. */
    checksHost?: boolean
  }
}

export interface HealthDeps {
  catalog: Catalog
  authenticate: Authenticate
  /** False while no credential at all could be verified. */
  canVerify: () => boolean
  metrics: { contentType: string; expose: () => Promise<string> }
  /** True when `request.ip` is the client's address also behind a proxy (PROMPTS_TRUST_PROXY). */
  behindProxy: boolean
  hostFault: HostFault
}

/** `/healthz` (the process answers), `/readyz` (prompts can be served) and `/metrics`. */
export function registerHealthRoutes(
  app: FastifyInstance,
  { catalog, authenticate, canVerify, metrics, behindProxy, hostFault }: HealthDeps,
): void {
  // Sessions count below `/api/v1` only, so the public address does not matter here.
  const credentialOf = credentialReader(undefined)
  app.get('/healthz', { config: { anyHost: true } }, () => ({ status: 'ok' }))

  app.get('/readyz', { config: { anyHost: true } }, () => {
    const topics = catalog.list().length
    if (!catalog.canServe())
      throw new AppError('unavailable', 'No text could be read yet.', { retryAfter: 5 })
    if (!canVerify())
      throw new AppError('unavailable', 'The API keys could not be read yet.', { retryAfter: 5 })
    const since = catalog.staleSince()
    return since
      ? { status: 'stale', stale_since: since.toISOString(), topics }
      : { status: 'ready', topics, damaged: catalog.invalid().size }
  })

  app.get('/metrics', { config: { checksHost: true } }, async (request, reply) => {
    // A proxy on this machine that is not configured makes every client look like a local one.
    const isForwarded = 'x-forwarded-for' in request.headers || 'forwarded' in request.headers
    const isLocal = isLoopback(request.ip) && (!isForwarded || behindProxy)
    // A valid credential makes the Host check unnecessary, as no web page has one: Prometheus asks by address.
    const fault = hostFault(request)
    if (fault && credentialOf(request).kind === 'none') throw fault
    if (!isLocal || fault) {
      const caller = await authenticate(request)
      request.caller = caller
      if (!hasRole(caller, 'service')) throw new AppError('forbidden', 'This needs the role "service".')
    }
    return reply.type(metrics.contentType).send(await metrics.expose())
  })
}
