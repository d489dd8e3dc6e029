import type { ClientError, Configuration, IDToken } from 'openid-client'
import { type Caller, hasRole } from '../../domain/caller.ts'
import { AppError, toAppError } from '../../domain/errors.ts'
import type { IssuerClient, IssuerSignIn } from '../../domain/sign-in.ts'
import type { SigningSecret, TokenVerifier } from '../../domain/tokens.ts'
import type { Clock } from '../../util/time.ts'
import { callerOf } from './claims.ts'
import { signedCookies } from './signed-cookies.ts'

/** Time for a person to sign in, and for one request to the issuer. */
const LIFETIME_SECONDS = 600
const REQUEST_SECONDS = 10

/** What is remembered in the browser from the beginning of a sign-in to its end. */
interface Attempt {
  state: string
  nonce: string
  verifier: string
}

/** This server as a client, with its secret; a public client has none, and PKCE alone protects it. */
export type SignInClient = IssuerClient & { clientSecret: () => Promise<string | undefined> }

export interface IssuerSignInDeps {
  client: SignInClient
  secret: SigningSecret
  /** Verifies access tokens, which may hold the role that an ID token lacks. */
  tokens: TokenVerifier
  roleClaim: string
  clock: Clock
  warn: (message: string) => void
}

/**
 * Sign-in by the authorization code flow (OpenID Connect Core, section 3.1) with PKCE (RFC 7636). The issuer's addresses
 * and the library are loaded when the first person signs in.
 */
export function issuerSignIn(deps: IssuerSignInDeps): IssuerSignIn {
  const { client, secret, tokens, roleClaim, clock, warn } = deps
  const options = { purpose: 'sign-in', lifetimeSeconds: LIFETIME_SECONDS }
  const attempts = signedCookies<Attempt>(secret, clock, options)
  let configured: Promise<Configuration> | undefined

  function configuration(): Promise<Configuration> {
    configured ??= client.clientSecret().then((secret) => discover(client, secret))
    // An issuer that is out of reach now is asked again the next time.
    configured.catch(() => {
      configured = undefined
    })
    return configured
  }

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      const error = await refusalOf(thrown)
      if (error.code !== 'unavailable') throw error
      // The issuer may have refused a secret that is another one by now.
      configured = undefined
      // Without the cause, which may hold tokens.
      warn(`sign-in at ${client.issuer} fails: ${error.operatorMessage}`)
      throw error
    }
  }

  /** The signed-in person; an access token may grant a higher role than the ID token does. */
  async function personOf(claims: IDToken, accessToken: string): Promise<Caller> {
    const person = callerOf(claims, roleClaim)
    if (hasRole(person, 'admin')) return person
    try {
      const other = await tokens.verify(accessToken)
      return other.owner?.sub === claims.sub ? { ...person, role: other.role } : person
    } catch (error) {
      if (toAppError(error).code === 'unauthenticated') return person
      throw error
    }
  }

  return {
    begin: (redirectUri) =>
      asked(async () => {
        const oidc = await import('openid-client')
        const attempt = {
          state: oidc.randomState(),
          nonce: oidc.randomNonce(),
          verifier: oidc.randomPKCECodeVerifier(),
        }
        const url = oidc.buildAuthorizationUrl(await configuration(), {
          redirect_uri: redirectUri,
          scope: client.scope,
          state: attempt.state,
          nonce: attempt.nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
          code_challenge_method: 'S256',
        })
        return { url: url.href, attempt: await attempts.write(attempt), lifetimeSeconds: LIFETIME_SECONDS }
      }),

    finish: (answer, cookie) =>
      asked(async () => {
        const attempt = await attempts.read(cookie)
        if (!attempt) throw notFinished()
        const oidc = await import('openid-client')
        const granted = await oidc.authorizationCodeGrant(await configuration(), answer, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.verifier,
          idTokenExpected: true,
        })
        const person = await personOf(granted.claims() as IDToken, granted.access_token)
        const { subject, owner = { sub: subject, tenant: '' } } = person
        if (hasRole(person, 'admin')) return { subject, owner }
        const message = `${subject} has signed in, but may not edit prompts: the role "admin" is missing.`
        throw new AppError('forbidden', message)
      }),
  }
}

async function discover(
  { issuer, clientId }: IssuerClient,
  clientSecret: string | undefined,
): Promise<Configuration> {
  const oidc = await import('openid-client')
  const url = new URL(issuer)
  const auth = clientSecret === undefined ? oidc.None() : oidc.ClientSecretPost(clientSecret)
  return oidc.discovery(url, clientId, undefined, auth, {
    timeout: REQUEST_SECONDS,
    execute: [
      oidc.enableNonRepudiationChecks,
      // The settings take such an address on this machine only.
      ...(url.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
    ],
  })
}

/** Faults of an answer that is made up, or that belongs to another attempt. */
const WRONG_ANSWERS = [
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
]

/** What a failed sign-in is: the person's or an attacker's, to be begun again, or the issuer's or the settings'. */
async function refusalOf(thrown: unknown): Promise<AppError> {
  if (thrown instanceof AppError) return thrown
  const { AuthorizationResponseError, ResponseBodyError } = await import('openid-client')
  const { code = '', message } = thrown as ClientError
  if (thrown instanceof AuthorizationResponseError) {
    return thrown.error === 'access_denied'
      ? new AppError('unauthenticated', 'The sign-in was cancelled.')
      : unreachable(thrown.error)
  }
  if (thrown instanceof ResponseBodyError)
    return thrown.error === 'invalid_grant' ? notFinished() : unreachable(thrown.error)
  return WRONG_ANSWERS.includes(code) ? notFinished() : unreachable(`${code} ${message}`)
}

function notFinished(): AppError {
  return new AppError(
    'unauthenticated',
    'This sign-in took too long, or was begun in another window. Sign in again.',
  )
}

/** @param reason may come from the address that a browser was sent to, so only what looks like one is logged. */
function unreachable(reason: string): AppError {
  const message = 'The sign-in does not work now. Try again later.'
  const operatorMessage = /^[\w ":,.'()-]{1,200}$/.test(reason)
    ? reason
    : 'for a reason that is no plain text'
  return new AppError('unavailable', message, { operatorMessage, retryAfter: 5 })
}
