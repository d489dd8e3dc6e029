import type { FastifyRequest } from 'fastify'
import { type ApiKey, type ApiKeys, loggablePrefix } from '../../../domain/api-keys.ts'
import type { Caller } from '../../../domain/caller.ts'
import { AppError, toAppError } from '../../../domain/errors.ts'
import type { RateLimiter } from '../../../domain/rate-limiter.ts'
import type { Sessions } from '../../../domain/sign-in.ts'
import { elapsedMs, type Observer } from '../../../domain/telemetry.ts'
import type { TokenVerifier } from '../../../domain/tokens.ts'
import { type Credential, credentialReader } from './credentials.ts'
import { addressOf, failedAttempt } from './failed-attempts.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on routes that need a credential, once it has been verified. */
    caller: Caller | undefined
  }
}

/**
 * Finds out who sends a request.
 *
 * @throws AppError `unauthenticated`, `rate_limited` after too many failures, `unavailable` when a credential cannot be
 *   verified now.
 */
export type Authenticate = (request: FastifyRequest) => Promise<Caller>

export interface AuthenticatorDeps {
  keys: ApiKeys
  tokens: TokenVerifier
  sessions: Sessions
  limiter: RateLimiter
  observe: Observer
  /** See {@link Config.publicUrl}. */
  publicUrl: string | undefined
}

/** A caller, and what the audit log calls the credential. */
interface Verified {
  caller: Caller
  label: string
}

/** API keys, bearer tokens and sessions, one in a request. */
export function authenticator(deps: AuthenticatorDeps): Authenticate {
  const { limiter, observe } = deps
  const credentialOf = credentialReader(deps.publicUrl)

  async function refuse(
    request: FastifyRequest,
    { kind, value }: Credential,
    thrown: unknown,
  ): Promise<never> {
    let error = toAppError(thrown)
    // Verified first, counted then: others' failures never keep out a right credential. Presenting none guesses nothing.
    if (error.code === 'unauthenticated' && kind !== 'none') {
      error = await failedAttempt(limiter, request, error)
    }
    observe({
      kind: 'authentication',
      name: 'authenticate',
      caller: kind === 'key' ? loggablePrefix(value) : `(${kind})`,
      credential: kind,
      address: addressOf(request),
      outcome: error.code,
      durationMs: elapsedMs(request.startedAt),
      requestId: request.id,
    })
    throw error
  }

  return async (request) => {
    const credential = credentialOf(request)
    try {
      const { caller, label } = await verify(deps, credential)
      observe({
        kind: 'authentication',
        name: 'authenticate',
        caller: label,
        credential: credential.kind,
        outcome: 'ok',
        durationMs: elapsedMs(request.startedAt),
        requestId: request.id,
      })
      return caller
    } catch (thrown) {
      return refuse(request, credential, thrown)
    }
  }
}

/** The caller of a request on a route that needs a credential. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (!caller) throw new Error('the route does not authenticate')
  return caller
}

/** Whether the credential of a request that goes on for long is still valid; what cannot be verified now is. */
export function credentialChecker(deps: AuthenticatorDeps): (request: FastifyRequest) => Promise<boolean> {
  const credentialOf = credentialReader(deps.publicUrl)
  return async (request) => {
    try {
      await verify(deps, credentialOf(request))
      return true
    } catch (error) {
      return toAppError(error).code !== 'unauthenticated'
    }
  }
}

async function verify(
  { keys, tokens, sessions }: AuthenticatorDeps,
  { kind, value }: Credential,
): Promise<Verified> {
  switch (kind) {
    case 'key':
      return verifiedKey(await keys.verify(value))
    case 'token':
      return verifyToken(tokens, value)
    case 'session':
      return verifySession(sessions, value)
    case 'several':
      throw new AppError('unauthenticated', 'Send one credential only: a key, a token or a session.')
    case 'none':
      throw new AppError('unauthenticated', 'Send an API key in X-Api-Key, or a token in Authorization.')
  }
}

function verifiedKey(key: ApiKey | undefined): Verified {
  if (!key) throw new AppError('unauthenticated', 'The API key is not valid.')
  const { id, name, prefix } = key
  return {
    caller: { kind: 'key', subject: `key:${name}`, role: 'service', limitKey: `key:${id}` },
    label: prefix,
  }
}

async function verifyToken(tokens: TokenVerifier, value: string): Promise<Verified> {
  // Whatever is no JWT may be a key; whether it is a valid one is not said here.
  if (value.split('.').length !== 3) {
    const reason =
      value === '' ? 'Send a token as "Authorization: Bearer TOKEN".' : 'This is not a valid token.'
    throw new AppError('unauthenticated', `${reason} An API key goes into the header X-Api-Key.`)
  }
  const caller = await tokens.verify(value)
  return { caller, label: caller.subject }
}

async function verifySession(sessions: Sessions, value: string): Promise<Verified> {
  const session = await sessions.read(value)
  if (!session) throw new AppError('unauthenticated', 'The session has ended. Sign in again.')
  const { subject, owner } = session
  return {
    caller: { kind: 'session', subject, role: 'admin', owner, limitKey: `session:${subject}` },
    label: subject,
  }
}
