import type { FastifyInstance, HTTPMethods } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { answerPreflight } from './cors.ts'

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/**
 * Answers the methods that an address does not have with 405, and `OPTIONS` with what it has (RFC 9110, section 15.5.6).
 *
 * @returns adds these answers; to be called when all routes are there.
 */
export function methodNotAllowed(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const address = url.replace(/(?<=.)\/$/, '')
    const known = methodsOf.get(address) ?? new Set()
    for (const one of [method].flat()) known.add(one)
    methodsOf.set(address, known)
  })

  return () => {
    const patterns = [...methodsOf].map(([url, methods]) => ({
      matches: patternOf(url),
      methods: [...methods],
    }))
    for (const url of [...methodsOf.keys()]) {
      // An address may be one of a family, too: `/prompts/batch` is the topic "batch" for GET.
      const known = new Set(patterns.flatMap(({ matches, methods }) => (matches.test(url) ? methods : [])))
      const allowed = [...known, 'OPTIONS'].sort().join(', ')
      if (!known.has('OPTIONS')) {
        app.options(url, (request, reply) => {
          answerPreflight(request, reply, allowed)
          return reply.code(204).header('allow', allowed).send()
        })
      }
      app.route({
        method: METHODS.filter((method) => !known.has(method) && method !== 'OPTIONS'),
        url,
        // Before the body is read: it is not wanted whatever it is.
        onRequest(request, reply) {
          reply.header('allow', allowed)
          throw new AppError('method_not_allowed', `${request.method} is not possible here; ${allowed} are.`)
        },
        handler: () => {},
      })
    }
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*]/g, '\\$&')))
  return new RegExp(`^${parts.join('/')}$`)
}
