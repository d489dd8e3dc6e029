import { hash } from 'node:crypto'
import {
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import type { TokenSettings, TokenVerifier } from '../../domain/tokens.ts'
import type { Clock } from '../../util/time.ts'
import { callerOf, valueAt } from './claims.ts'

/** A longer token cannot come in a header. */
const MAX_TOKEN_LENGTH = 16 * 1024
/** An issuer's clock may differ from ours; tokens of the local secret are signed by our own. */
const ISSUER_TOLERANCE_SECONDS = 5
const MAX_ACCEPTED = 10_000
/** How long a token may stay valid after a change of the keys. */
const ACCEPTED_MS = 30_000
const OTHER_AUDIENCE = 'The token is meant for another audience.'

interface Accepted {
  caller: Caller
  /** By the clock, in milliseconds. */
  until: number
}

/** Verifies JWTs by the keys that `keyOf` finds. Remembers the hash of an accepted token for a short time. */
export function tokenVerifier(settings: TokenSettings, keyOf: JWTVerifyGetKey, clock: Clock): TokenVerifier {
  const { jwksUrl, issuer, audiences, audienceClaim, algorithms, roleClaim } = settings
  const tolerance = jwksUrl === undefined ? 0 : ISSUER_TOLERANCE_SECONDS
  const accepted = new LRUCache<string, Accepted>({ max: MAX_ACCEPTED })

  async function verifyClaims(token: string, digest: string): Promise<Caller> {
    const now = clock()
    const { payload } = await verifyByKeys(token, keyOf, {
      algorithms,
      clockTolerance: tolerance,
      currentDate: now,
      requiredClaims: ['exp'],
      ...(issuer !== undefined && { issuer }),
      ...(audiences !== undefined && audienceClaim === 'aud' && { audience: audiences }),
    })
    if (audiences !== undefined && audienceClaim !== 'aud') checkAudience(payload, audienceClaim, audiences)
    const caller = callerOf(payload, roleClaim)
    const end = ((payload.exp as number) + tolerance) * 1000
    accepted.set(digest, { caller, until: Math.min(end, now.getTime() + ACCEPTED_MS) })
    return caller
  }

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) throw new AppError('unauthenticated', 'The token is too long.')
      const digest = hash('sha256', token, 'base64')
      const remembered = accepted.get(digest)
      if (remembered && clock().getTime() < remembered.until) return remembered.caller
      try {
        return await verifyClaims(token, digest)
      } catch (error) {
        throw tokenRefusal(error)
      }
    },
  }
}

/** Issuers such as Cognito state the audience of an access token in another claim than `aud`. */
function checkAudience(claims: JWTPayload, claim: string, audiences: readonly string[]): void {
  const value = valueAt(claims, claim)
  if (value === undefined) throw new AppError('unauthenticated', `The token has no claim "${claim}".`)
  if (![value].flat().some((one) => audiences.includes(one as string))) {
    throw new AppError('unauthenticated', OTHER_AUDIENCE)
  }
}

/** Tries every key with a token that does not say which of several signed it. */
async function verifyByKeys(
  token: string,
  keyOf: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keyOf, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/** These sentences repeat nothing of the token: clients may log the answers that they get. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'The token has expired.',
  ERR_JOSE_ALG_NOT_ALLOWED: 'The token is signed with an algorithm that is not accepted here.',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "The token's signature is not valid.",
  ERR_JWKS_NO_MATCHING_KEY: 'The token is signed with a key that its issuer does not publish.',
}
const WRONG_CLAIMS: Readonly<Record<string, string>> = {
  nbf: 'The token is not valid yet.',
  iss: 'The token is from another issuer.',
  aud: OTHER_AUDIENCE,
}

/** The error for a caller whose token is refused. */
function tokenRefusal(error: unknown): AppError {
  if (error instanceof AppError) return error
  // An error that is not about the token is about the keys: too short, or of a kind that Node.js cannot use.
  const isAboutKeys =
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSInvalid ||
    error instanceof errors.JWKInvalid
  if (isAboutKeys) {
    return new AppError('unavailable', "The keys of the token's issuer cannot be used.", { cause: error })
  }
  return new AppError('unauthenticated', reasonOf(error))
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (reason === 'missing') return `The token has no claim "${claim}".`
    if (reason === 'invalid') return `The token's claim "${claim}" is not a number.`
    return WRONG_CLAIMS[claim] ?? 'The token has a wrong claim.'
  }
  return REASONS[error.code] ?? 'This is not a valid token.'
}
