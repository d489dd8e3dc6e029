import { errors, type JWTVerifyGetKey } from 'jose'
import type { IssuerSignIn, Sessions } from '../../domain/sign-in.ts'
import type { SigningSecret, TokenSettings, TokenSigner, TokenVerifier } from '../../domain/tokens.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'
import type { Clock } from '../../util/time.ts'
import { issuerKeys } from './issuer-keys.ts'
import { issuerSignIn, type SignInClient } from './issuer-sign-in.ts'
import { signedSessions } from './sessions.ts'
import { tokenSigner } from './token-signer.ts'
import { tokenVerifier } from './token-verifier.ts'

export interface IdentityOptions extends OutageOptions {
  secret: SigningSecret
  tokens: TokenSettings
  /** `undefined`: people sign in by link only. */
  client: SignInClient | undefined
  clock: Clock
}

/** Makes and checks credentials, except API keys and sign-in codes. */
export interface Identity {
  tokens: TokenVerifier
  signer: TokenSigner
  sessions: Sessions
  issuerSignIn: IssuerSignIn | undefined
}

/** Puts the parts together. In a module of its own, because most commands never need it and so never load it. */
export function createIdentity(options: IdentityOptions): Identity {
  const { secret, tokens: settings, client, staleIfErrorMs, clock, warn } = options
  const { jwksUrl, roleClaim } = settings
  const keyOf: JWTVerifyGetKey =
    jwksUrl === undefined ? () => ownKey(secret) : issuerKeys({ url: jwksUrl, staleIfErrorMs, clock, warn })
  const tokens = tokenVerifier(settings, keyOf, clock)
  return {
    tokens,
    signer: tokenSigner(settings, secret, clock),
    sessions: signedSessions(secret, clock),
    issuerSignIn: client && issuerSignIn({ client, secret, tokens, roleClaim, clock, warn }),
  }
}

async function ownKey(secret: SigningSecret): Promise<Uint8Array> {
  const current = await secret.current()
  // Nothing was ever signed with it.
  if (!current) throw new errors.JWSSignatureVerificationFailed()
  return current
}
