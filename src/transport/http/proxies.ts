import type { FastifyInstance } from 'fastify'

/** See {@link Config.trustProxy}. */
type Proxies = number | string[]

/** Fastify itself believes no number of proxies, because a client that gets past them can claim any address. */
export function trusted(proxies: Proxies | undefined) {
  if (typeof proxies !== 'number') return proxies ?? false
  return (_address: string, hop: number) => hop < proxies
}

const LISTS = ['x-forwarded-host', 'x-forwarded-proto'] as const

/**
 * Reduces lists in `X-Forwarded-Host` and `X-Forwarded-Proto` to what the outermost trusted proxy has added: each proxy
 * adds one entry at the end, and what stands before is the client's. Fastify alone takes the last entry, which is what
 * the innermost proxy was asked for.
 */
export function readForwardedLists(app: FastifyInstance, proxies: Proxies): void {
  app.addHook('onRequest', (request, _, done) => {
    const { headers } = request.raw
    for (const name of LISTS) {
      const list = headers[name]
      if (typeof list !== 'string' || !list.includes(',')) continue
      const count = typeof proxies === 'number' ? proxies : Math.max(1, (request.ips?.length ?? 0) - 1)
      const entries = list.split(',')
      headers[name] = (entries[Math.max(0, entries.length - count)] as string).trim()
    }
    done()
  })
}
