import { hash } from 'node:crypto'
import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import type { TokenSettings, TokenVerifier } from '../../domain/tokens.ts'
import { callerOf } from './claims.ts'
import { tokenRefusal } from './token-refusal.ts'

/** Longer ones cannot come in a header. */
const MAX_TOKEN_LENGTH = 16 * 1024
/** An issuer's clock is another machine's; the local secret's is ours. */
const ISSUER_TOLERANCE_SECONDS = 5
const MAX_ACCEPTED = 10_000
/** How long a token may outlive a change of the keys (spec §5). */
const ACCEPTED_MS = 30_000

interface Accepted {
  caller: Caller
  until: number
}

/** Verifies JWTs by the keys that `keyOf` finds. What was accepted is remembered for a short time, by its hash. */
export function tokenVerifier(settings: TokenSettings, keyOf: JWTVerifyGetKey, clock: Clock): TokenVerifier {
  const { jwksUrl, issuer, audiences, algorithms, roleClaim } = settings
  const tolerance = jwksUrl === undefined ? 0 : ISSUER_TOLERANCE_SECONDS
  const accepted = new LRUCache<string, Accepted>({ max: MAX_ACCEPTED })

  async function verifyAnew(token: string, name: string): Promise<Caller> {
    const now = clock()
    const { payload } = await verifyByKeys(token, keyOf, {
      algorithms,
      clockTolerance: tolerance,
      currentDate: now,
      requiredClaims: ['exp'],
      ...(issuer !== undefined && { issuer }),
      ...(audiences !== undefined && { audience: audiences }),
    })
    const caller = callerOf(payload, roleClaim)
    const end = ((payload.exp as number) + tolerance) * 1000
    accepted.set(name, { caller, until: Math.min(end, now.getTime() + ACCEPTED_MS) })
    return caller
  }

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) throw new AppError('unauthenticated', 'The token is too long.')
      const name = hash('sha256', token, 'base64')
      const known = accepted.get(name)
      if (known && clock().getTime() < known.until) return known.caller
      try {
        return await verifyAnew(token, name)
      } catch (error) {
        throw tokenRefusal(error)
      }
    },
  }
}

/** A token that does not say which of several keys signed it is tried with each. */
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
