import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import { type FastifyInstance, fastify } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { answerHealth, type HealthDeps } from './health.ts'
import { type McpHttpDeps, serveMcpOverHttp } from './mcp.ts'
import { answerProblems } from './problems.ts'

/** Largest request body (spec §5). */
const MAX_BODY_BYTES = 1024 * 1024
/** Slow clients: time for a whole request. */
const REQUEST_TIMEOUT_MS = 30_000
/** How long a shutdown waits for running calls. */
const GRACE_MS = 3_000

export interface HttpOptions {
  host: string
  port: number
  /** Host names that `Host` and `Origin` may carry; loopback names by default. */
  allowedHosts?: string[] | undefined
  allowedOrigins?: string[] | undefined
}

/** A running server. */
export interface HttpServer {
  /** The address that it listens on, for example `http://127.0.0.1:3000`. */
  url: string
  /** Finishes what is running, for at most three seconds, and ends open streams. */
  close(): Promise<void>
}

/**
 * Serves everything that goes over HTTP on one port.
 *
 * @throws AppError `unavailable` when the port is taken or the address is not this machine's.
 */
export async function serveHttp(options: HttpOptions, deps: McpHttpDeps & HealthDeps): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    routerOptions: { ignoreTrailingSlash: true },
  })
  answerProblems(app, deps.reportDefect)
  answerHealth(app, deps)
  guardHost(app, options)
  const closeMcp = serveMcpOverHttp(app, deps)
  await listen(app, options)
  const { port } = app.server.address() as AddressInfo

  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async close() {
      app.server.close()
      app.server.closeIdleConnections()
      await within(GRACE_MS, closeMcp())
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

/** Without this check a web page could reach a server on the user's machine by DNS rebinding (MCP, transports). */
function guardHost(app: FastifyInstance, { allowedHosts, allowedOrigins }: HttpOptions): void {
  const hosts = allowedHosts ?? localhostAllowedHostnames()
  const origins = allowedOrigins ?? localhostAllowedOrigins()
  app.addHook('onRequest', async ({ headers, routeOptions }) => {
    if (routeOptions.config.anyHost) return
    const host = validateHostHeader(headers.host, hosts)
    if (!host.ok)
      throw new AppError('forbidden', `${host.message}. PROMPTS_ALLOWED_HOSTS names the allowed hosts.`)
    const origin = validateOriginHeader(headers.origin, origins)
    if (!origin.ok)
      throw new AppError('forbidden', `${origin.message}. PROMPTS_ALLOWED_ORIGINS names the allowed ones.`)
  })
}

async function listen(app: FastifyInstance, { host, port }: HttpOptions): Promise<void> {
  try {
    await app.listen({ host, port })
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

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, timeUp])
  clearTimeout(timer)
}
