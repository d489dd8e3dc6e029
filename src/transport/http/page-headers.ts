import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

/**
 * Adds the security headers of pages to a scope. Only where pages are served: they double the cost of a request, and the
 * answers of the API are no pages.
 */
export async function registerPageHeaders(
  scope: FastifyInstance,
  contentSecurityPolicy: Record<string, string | string[]>,
): Promise<void> {
  await scope.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy },
    frameguard: { action: 'deny' },
    // Plain http on the own machine is the usual case, and a proxy that serves https can say this.
    strictTransportSecurity: false,
  })
}
