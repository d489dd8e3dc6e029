import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { AppError } from '../../domain/errors.ts'
import type { SigningSecret, TokenSettings, TokenSigner } from '../../domain/tokens.ts'
import type { Clock } from '../../util/time.ts'

/** Signs tokens with the local secret, by the {@link TokenSettings}. */
export function tokenSigner(settings: TokenSettings, secret: SigningSecret, clock: Clock): TokenSigner {
  const { jwksUrl, issuer, audiences, audienceClaim, roleClaim } = settings
  return {
    async sign({ role, subject, tenant, lifetimeSeconds }) {
      if (jwksUrl !== undefined) {
        const message =
          'Tokens come from the issuer that PROMPTS_JWT_JWKS_URL names; none can be signed here.'
        throw new AppError('forbidden', message)
      }
      const now = Math.floor(clock().getTime() / 1000)
      return new SignJWT({
        [roleClaim]: role,
        ...(tenant !== undefined && { tenant_id: tenant }),
        ...(issuer !== undefined && { iss: issuer }),
        ...(audiences !== undefined && { [audienceClaim]: audiences }),
        sub: subject,
        jti: randomUUID(),
        iat: now,
        exp: now + lifetimeSeconds,
      })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .sign(await secret.obtain())
    },
  }
}
