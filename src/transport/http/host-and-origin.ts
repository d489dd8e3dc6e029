import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { allowOrigin } from './cors.ts'

export interface HostOptions {
  /** Names that `Host` may carry; loopback names by default. */
  allowedHosts?: string[] | undefined
  /** Host names of origins that may call from a browser, or whole origins; loopback names by default. */
  allowedOrigins?: string[] | undefined
  publicUrl?: string | undefined
}

/** What is wrong with the `Host` of a request: `forbidden` when it is not an allowed name. */
export type HostFault = (request: FastifyRequest) => AppError | undefined

/**
 * Checks `Host` and `Origin` of every request. Without it a web page could reach a server on the user's machine by DNS
 * rebinding (MCP, transports, security warning).
 *
 * @returns the check of `Host`, for routes that decide themselves whether they need it.
 */
export function validateHostAndOrigin(app: FastifyInstance, options: HostOptions): HostFault {
  const own = options.publicUrl === undefined ? [] : [new URL(options.publicUrl).hostname]
  const hosts = [...(options.allowedHosts ?? localhostAllowedHostnames()), ...own]
  const origins = options.allowedOrigins ?? localhostAllowedOrigins()
  // Pages of this server itself are where it answers.
  const originHosts = [...origins.filter((one) => !one.includes('://')), ...hosts]
  const wholeOrigins = new Set(origins.filter((one) => one.includes('://')))

  /** The last host that passed; clients rarely use another, and to take one apart costs as much as a look-up. */
  let lastHost: string | undefined
  app.addHook('onRequest', (request, reply, done) => {
    const { host, headers } = request
    const { origin } = headers
    // Also without an Origin: a cache must not give what it keeps of this answer to a page of another one. No
    // hook before this one sets a `Vary` that would have to be kept.
    reply.header('vary', 'Origin')
    if (host === lastHost && origin === undefined) return done()
    const { config } = request.routeOptions
    if (config.anyHost) return done()
    if (host !== lastHost) {
      // What passes is repeated in addresses that we answer: nothing but a name and a port.
      if (!/^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(host))
        throw new AppError('forbidden', 'The Host header is no host name.')
      const fault = config.checksHost ? undefined : hostFault(request)
      if (fault) throw fault
    }
    if (origin !== undefined && !config.anyOrigin) {
      const checked = validateOriginHeader(origin, originHosts)
      if (!checked.ok && !wholeOrigins.has(origin))
        throw new AppError('forbidden', `${checked.message}. PROMPTS_ALLOWED_ORIGINS names the allowed ones.`)
      allowOrigin(reply, origin)
    }
    done()
  })

  function hostFault({ host }: FastifyRequest): AppError | undefined {
    const checked = validateHostHeader(host, hosts)
    if (!checked.ok)
      return new AppError('forbidden', `${checked.message}. PROMPTS_ALLOWED_HOSTS names the allowed hosts.`)
    lastHost = host
    return undefined
  }
  return hostFault
}
