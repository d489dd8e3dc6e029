import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller } from '../../../domain/caller.ts'
import { AppError } from '../../../domain/errors.ts'
import type { RateLimiter } from '../../../domain/rate-limiter.ts'
import type { Sessions, SignInCodes } from '../../../domain/sign-in.ts'
import { elapsedMs, type Observer } from '../../../domain/telemetry.ts'
import { ADMIN_PAGE } from '../admin-page/routes.ts'
import { API_ROOT } from '../rest/routes.ts'
import type { Authenticate } from './authenticator.ts'
import { sessionCookie } from './credentials.ts'
import { addressOf, failedAttempt } from './failed-attempts.ts'

export interface SignInDeps {
  signInCodes: SignInCodes
  sessions: Sessions
  authenticate: Authenticate
  limiter: RateLimiter
  observe: Observer
  /** Path that the public address adds before every route; usually empty. */
  basePath: string
  /** See {@link Config.publicUrl}. */
  publicUrl?: string | undefined
}

/** Sign-in by link: a code becomes a session, which the browser keeps in a cookie that no script can read. */
export function registerSignInRoutes(app: FastifyInstance, deps: SignInDeps): void {
  const { sessions, authenticate, basePath, publicUrl } = deps
  const cookie = sessionCookie(publicUrl)

  // No HEAD: programs that preview links send it, and it would use the code up.
  app.get('/admin/sign-in', { exposeHeadRoute: false }, async (request, reply) => {
    const subject = await redeem(request, deps)
    const session = await sessions.open({ subject, owner: { sub: subject, tenant: '' } })
    reply
      .header('set-cookie', cookie.set(session.cookie, session.lifetimeSeconds))
      .header('cache-control', 'no-store')
      // The address holds the code.
      .header('referrer-policy', 'no-referrer')
    return reply.redirect(basePath + ADMIN_PAGE, 303)
  })

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
    throw new AppError('unauthenticated', 'This is for browsers that signed in: purposepath-prompts login')
  }
}

/** The subject that the code of a sign-in link was issued for. */
async function redeem(request: FastifyRequest, deps: SignInDeps): Promise<string> {
  const startedAt = performance.now()
  const { code } = request.query as { code?: unknown }
  const found = typeof code === 'string' ? await deps.signInCodes.redeem(code) : undefined
  const message = 'This link was used before or is too old. Get a new one with: purposepath-prompts login'
  const error = found
    ? undefined
    : await failedAttempt(deps.limiter, request, new AppError('unauthenticated', message))
  deps.observe({
    kind: 'authentication',
    name: 'authenticate',
    caller: found?.subject ?? '(sign-in)',
    ...(error && { address: addressOf(request) }),
    outcome: error?.code ?? 'ok',
    durationMs: elapsedMs(startedAt),
    requestId: request.id,
  })
  if (!found) throw error
  return found.subject
}
