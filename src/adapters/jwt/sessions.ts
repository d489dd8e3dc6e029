import type { Session, Sessions } from '../../domain/sign-in.ts'
import type { SigningSecret } from '../../domain/tokens.ts'
import type { Clock } from '../../util/time.ts'
import { signedCookies } from './signed-cookies.ts'

const LIFETIME_SECONDS = 12 * 3600

/**
 * Sessions that live in their cookie alone: a signed statement of who signed in. The server keeps nothing, so signing
 * out removes the cookie from the browser, and a new signing secret ends all sessions.
 */
export function signedSessions(secret: SigningSecret, clock: Clock): Sessions {
  const cookies = signedCookies<Session>(secret, clock, {
    purpose: 'session',
    lifetimeSeconds: LIFETIME_SECONDS,
  })
  return {
    open: async ({ subject, owner }) => ({
      cookie: await cookies.write({ subject, owner }),
      lifetimeSeconds: LIFETIME_SECONDS,
    }),
    read: cookies.read,
  }
}
