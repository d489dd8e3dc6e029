import { createHmac, randomUUID } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import type { Sessions } from '../../domain/sign-in.ts'
import { derived, type SigningSecret } from '../files/signing-secret.ts'

const LIFETIME_SECONDS = 12 * 3600
const ALGORITHM = 'HS256'

/**
 * Sessions that live in their cookie alone: a signed statement of who signed in. Nothing is kept here, so signing out
 * takes the cookie from the browser, and a new local secret ends all sessions.
 */
export function signedSessions(secret: SigningSecret, clock: Clock): Sessions {
  return {
    async open(subject) {
      const key = derived(await secret.obtain(), 'session')
      const now = Math.floor(clock().getTime() / 1000)
      const cookie = await new SignJWT({ sub: subject, jti: randomUUID() })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuedAt(now)
        .setExpirationTime(now + LIFETIME_SECONDS)
        .sign(key)
      return { cookie, lifetimeSeconds: LIFETIME_SECONDS }
    },

    async read(cookie) {
      const local = await secret.current()
      if (!local) return undefined
      const claims = await jwtVerify(cookie, derived(local, 'session'), {
        algorithms: [ALGORITHM],
        currentDate: clock(),
        requiredClaims: ['exp', 'sub', 'jti'],
      }).then(
        ({ payload }) => payload,
        () => undefined,
      )
      if (!claims) return undefined
      const csrfToken = createHmac('sha256', derived(local, 'csrf'))
        .update(claims.jti as string)
        .digest('base64url')
      return { subject: claims.sub as string, csrfToken }
    },
  }
}
