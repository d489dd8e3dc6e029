import { createHmac } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { Owner } from '../../domain/caller.ts'
import type { Sessions } from '../../domain/sign-in.ts'
import type { Clock } from '../../domain/time.ts'
import type { SigningSecret } from '../../domain/tokens.ts'

const LIFETIME_SECONDS = 12 * 3600
const ALGORITHM = 'HS256'

/**
 * Sessions that live in their cookie alone: a signed statement of who signed in. The server keeps nothing, so signing
 * out removes the cookie from the browser, and a new signing secret ends all sessions.
 */
export function signedSessions(secret: SigningSecret, clock: Clock): Sessions {
  return {
    async open({ subject, owner }) {
      const key = deriveKey(await secret.obtain(), 'session')
      const now = Math.floor(clock().getTime() / 1000)
      const cookie = await new SignJWT({ sub: subject, owner })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuedAt(now)
        .setExpirationTime(now + LIFETIME_SECONDS)
        .sign(key)
      return { cookie, lifetimeSeconds: LIFETIME_SECONDS }
    },

    async read(cookie) {
      const current = await secret.current()
      if (!current) return undefined
      const claims = await jwtVerify(cookie, deriveKey(current, 'session'), {
        algorithms: [ALGORITHM],
        currentDate: clock(),
        requiredClaims: ['exp', 'sub', 'owner'],
      }).then(
        ({ payload }) => payload,
        () => undefined,
      )
      return claims && { subject: claims.sub as string, owner: claims['owner'] as Owner }
    },
  }
}

/** A key for one purpose: what is signed with it is not valid for any other. */
function deriveKey(secret: Uint8Array, purpose: string): Uint8Array {
  return createHmac('sha256', secret).update(`purposepath-prompts ${purpose}`).digest()
}
