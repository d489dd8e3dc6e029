import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller } from '../../../domain/caller.ts'
import { AppError } from '../../../domain/errors.ts'
import { API_ROOT } from '../rest/routes.ts'
import type { Authenticate } from './authenticator.ts'
import { sessionCookie } from './credentials.ts'

export interface SessionDeps {
  authenticate: Authenticate
  /** See {@link Config.publicUrl}. */
  publicUrl?: string | undefined
}

/** The session of a browser: who signed in, and the way out. */
export function registerSessionRoutes(app: FastifyInstance, { authenticate, publicUrl }: SessionDeps): void {
  const cookie = sessionCookie(publicUrl)

  app.get(`${API_ROOT}/session`, async (request, reply) => {
    const { subject, role } = await signedIn(request)
    reply.header('cache-control', 'no-store')
    return { data: { subject, role } }
  })

  app.delete(`${API_ROOT}/session`, async (request, reply) => {
    await signedIn(request)
    reply.header('set-cookie', cookie.set('', 0)).header('cache-control', 'no-store')
    return { data: { message: 'Signed out.' } }
  })

  /** The caller of a session; other credentials have none. */
  async function signedIn(request: FastifyRequest): Promise<Caller> {
    const caller = await authenticate(request)
    if (caller.kind === 'session') return caller
    throw new AppError('unauthenticated', 'This is for browsers that have signed in.')
  }
}
