import { createHmac } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { SigningSecret } from '../../domain/tokens.ts'
import type { Clock } from '../../util/time.ts'

const ALGORITHM = 'HS256'

/** What a cookie says, signed, so that the server believes its own words and need not keep them. */
export interface SignedCookies<Claims> {
  write(claims: Claims): Promise<string>
  /** `undefined` for what was not written here, or too long ago. */
  read(cookie: string): Promise<Claims | undefined>
}

/**
 * @param purpose what is signed for one is not valid for any other, and none of it is a token.
 */
export function signedCookies<Claims>(
  secret: SigningSecret,
  clock: Clock,
  { purpose, lifetimeSeconds }: { purpose: string; lifetimeSeconds: number },
): SignedCookies<Claims> {
  return {
    async write(claims) {
      const now = Math.floor(clock().getTime() / 1000)
      return new SignJWT({ claims })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuedAt(now)
        .setExpirationTime(now + lifetimeSeconds)
        .sign(keyFor(purpose, await secret.obtain()))
    },

    async read(cookie) {
      const current = await secret.current()
      if (!current) return undefined
      const options = { algorithms: [ALGORITHM], currentDate: clock(), requiredClaims: ['exp'] }
      return jwtVerify<{ claims: Claims }>(cookie, keyFor(purpose, current), options).then(
        ({ payload }) => payload.claims,
        () => undefined,
      )
    },
  }
}

function keyFor(purpose: string, secret: Uint8Array): Uint8Array {
  return createHmac('sha256', secret).update(`purposepath-prompts ${purpose}`).digest()
}
