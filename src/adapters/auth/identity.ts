import { errors, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import type { Sessions, SignInCodes } from '../../domain/sign-in.ts'
import type { TokenSettings, TokenSigner, TokenVerifier } from '../../domain/tokens.ts'
import type { Layout } from '../files/layout.ts'
import { issuerKeys } from './issuer-keys.ts'
import { type LocalSecret, localSecret } from './local-secret.ts'
import { signedSessions } from './sessions.ts'
import { fileSignInCodes } from './sign-in-codes.ts'
import { tokenSigner } from './token-signer.ts'
import { tokenVerifier } from './token-verifier.ts'

export interface IdentityOptions {
  layout: Layout
  stage: string
  tokens: TokenSettings
  staleIfErrorMs: number
  clock: Clock
  warn: (message: string, cause?: unknown) => void
}

/** What makes and checks credentials, besides API keys. */
export interface Identity {
  tokens: TokenVerifier
  signer: TokenSigner
  sessions: Sessions
  signInCodes: SignInCodes
}

/** Puts the parts together. A module of its own, because most commands need none of them and never load it. */
export async function createIdentity({
  layout,
  stage,
  tokens,
  staleIfErrorMs,
  clock,
  warn,
}: IdentityOptions): Promise<Identity> {
  const secret = localSecret(layout, stage, { staleIfErrorMs, warn })
  // Made now, so that tokens of other processes are known here from the first, also in an outage.
  await secret.obtain()
  const { jwksUrl } = tokens
  const keyOf: JWTVerifyGetKey =
    jwksUrl === undefined
      ? () => keyOfOurs(secret)
      : issuerKeys({ url: jwksUrl, staleIfErrorMs, clock, warn })
  return {
    tokens: tokenVerifier(tokens, keyOf, clock),
    signer: tokenSigner(tokens, secret, clock),
    sessions: signedSessions(secret, clock),
    signInCodes: fileSignInCodes(layout, clock),
  }
}

function keyOfOurs(secret: LocalSecret): Uint8Array {
  const known = secret.known()
  // Nothing was ever signed here.
  if (!known) throw new errors.JWSSignatureVerificationFailed()
  return known
}
