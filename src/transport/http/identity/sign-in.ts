import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, toAppError } from '../../../domain/errors.ts'
import type { RateLimiter } from '../../../domain/rate-limiter.ts'
import type { IssuerSignIn, Session, Sessions, SignInCodes } from '../../../domain/sign-in.ts'
import { elapsedMs, type Observer } from '../../../domain/telemetry.ts'
import { ADMIN_PAGE } from '../admin-page/routes.ts'
import { ownCookie } from './cookies.ts'
import { sessionCookie } from './credentials.ts'
import { addressOf, failedAttempt } from './failed-attempts.ts'
import { publicUrlOf } from './protected-resource.ts'
import { noticeForBrowsers } from './sign-in-notice.ts'

export interface SignInDeps {
  signInCodes: SignInCodes
  /** `undefined`: people sign in by link only. */
  issuerSignIn: IssuerSignIn | undefined
  sessions: Sessions
  limiter: RateLimiter
  observe: Observer
  /** Path that the public address adds before every route; usually empty. */
  basePath: string
  /** See {@link Config.publicUrl}. */
  publicUrl?: string | undefined
}

const SIGN_IN = '/admin/sign-in'
const CALLBACK = `${SIGN_IN}/callback`

/**
 * Sign-in of administrators, by the code of a link or at an issuer. Either becomes a session, which the browser keeps in a
 * cookie that no script can read.
 */
export function registerSignInRoutes(app: FastifyInstance, deps: SignInDeps): void {
  const { signInCodes, issuerSignIn, sessions, basePath, publicUrl } = deps
  const cookie = sessionCookie(publicUrl)
  // The way back begins at another site, the issuer's.
  const attemptCookie = ownCookie('purposepath_sign_in', 'Lax', publicUrl)

  app.register(async (scope) => {
    scope.addHook('onRequest', async (_, reply) => {
      // The address may hold a code.
      reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer')
    })
    noticeForBrowsers(scope, basePath + SIGN_IN)

    // No HEAD: programs that preview links send it, and it would use the code up.
    scope.get(SIGN_IN, { exposeHeadRoute: false }, async (request, reply) => {
      const { code } = request.query as { code?: unknown }
      if (code === undefined && issuerSignIn) return begin(request, reply, issuerSignIn)
      return openSession(reply, await observed(request, deps, () => redeem(code, signInCodes)))
    })

    if (!issuerSignIn) return
    scope.get(CALLBACK, { exposeHeadRoute: false }, async (request, reply) => {
      const attempt = attemptCookie.read(request.headers.cookie) ?? ''
      reply.header('set-cookie', attemptCookie.set('', 0))
      const [, query = ''] = request.url.split('?')
      const answer = new URL(`${publicUrlOf(request, publicUrl)}${CALLBACK}?${query}`)
      return openSession(reply, await observed(request, deps, () => issuerSignIn.finish(answer, attempt)))
    })
  })

  async function begin(request: FastifyRequest, reply: FastifyReply, signIn: IssuerSignIn) {
    const { url, attempt, lifetimeSeconds } = await signIn.begin(publicUrlOf(request, publicUrl) + CALLBACK)
    return reply.header('set-cookie', attemptCookie.set(attempt, lifetimeSeconds)).redirect(url, 303)
  }

  async function openSession(reply: FastifyReply, session: Session) {
    const { cookie: value, lifetimeSeconds } = await sessions.open(session)
    return reply.header('set-cookie', cookie.set(value, lifetimeSeconds)).redirect(basePath + ADMIN_PAGE, 303)
  }
}

/** The session of whom the code of a link was issued for. */
async function redeem(code: unknown, codes: SignInCodes): Promise<Session> {
  const found = typeof code === 'string' ? await codes.redeem(code) : undefined
  if (found) return { subject: found.subject, owner: { sub: found.subject, tenant: '' } }
  const message = 'This link was used before or is too old. Get a new one with: purposepath-prompts login'
  throw new AppError('unauthenticated', message)
}

/** Counts and tells how a sign-in ended. */
async function observed(
  request: FastifyRequest,
  { limiter, observe }: SignInDeps,
  signIn: () => Promise<Session>,
): Promise<Session> {
  const startedAt = performance.now()
  const tell = (caller: string, outcome: string, address?: string) =>
    observe({
      kind: 'authentication',
      name: 'authenticate',
      caller,
      credential: 'sign_in',
      ...(address !== undefined && { address }),
      outcome,
      durationMs: elapsedMs(startedAt),
      requestId: request.id,
    })
  try {
    const session = await signIn()
    tell(session.subject, 'ok')
    return session
  } catch (thrown) {
    const refusal = toAppError(thrown)
    const error =
      refusal.code === 'unauthenticated' ? await failedAttempt(limiter, request, refusal) : refusal
    tell('(sign-in)', error.code, addressOf(request))
    throw error
  }
}
