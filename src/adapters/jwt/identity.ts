import { errors, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import type { Sessions } from '../../domain/sign-in.ts'
import type { TokenSettings, TokenSigner, TokenVerifier } from '../../domain/tokens.ts'
import type { SigningSecret } from '../files/signing-secret.ts'
import { issuerKeys } from './issuer-keys.ts'
import { signedSessions } from './sessions.ts'
import { tokenSigner } from './token-signer.ts'
import { tokenVerifier } from './token-verifier.ts'

export interface IdentityOptions {
  secret: SigningSecret
  tokens: TokenSettings
  staleIfErrorMs: number
  clock: Clock
  warn: (message: string, cause?: unknown) => void
}

/** What makes and checks credentials, besides API keys and sign-in codes. */
export interface Identity {
  tokens: TokenVerifier
  signer: TokenSigner
  sessions: Sessions
}

/** Puts the parts together. A module of its own, because most commands need none of them and never load it. */
export function createIdentity({ secret, tokens, staleIfErrorMs, clock, warn }: IdentityOptions): Identity {
  const { jwksUrl } = tokens
  const keyOf: JWTVerifyGetKey =
    jwksUrl === undefined
      ? () => keyOfOurs(secret)
      : issuerKeys({ url: jwksUrl, staleIfErrorMs, clock, warn })
  return {
    tokens: tokenVerifier(tokens, keyOf, clock),
    signer: tokenSigner(tokens, secret, clock),
    sessions: signedSessions(secret, clock),
  }
}

async function keyOfOurs(secret: SigningSecret): Promise<Uint8Array> {
  const current = await secret.current()
  // Nothing was ever signed here.
  if (!current) throw new errors.JWSSignatureVerificationFailed()
  return current
}
