import type { Caller, Role } from './caller.ts'

/** How bearer tokens are made and verified. */
export interface TokenSettings {
  /** Where the issuer publishes its keys; `undefined`: HS256 with the local secret. */
  jwksUrl: string | undefined
  issuer: string | undefined
  audiences: string[] | undefined
  /** The claim that must hold one of the audiences: its name, or a dotted path to it. */
  audienceClaim: string
  algorithms: string[]
  /** The claim that holds the role: its name, or a dotted path to it. */
  roleClaim: string
}

/** Verifies bearer tokens (JWT). */
export interface TokenVerifier {
  /**
   * The caller that a token stands for. A token that was verified before stays valid for up to 30 seconds after a change
   * of the keys, never longer than it says itself.
   *
   * @throws AppError `unauthenticated` saying what is wrong with it, `unavailable` when its issuer's keys cannot be read.
   * @example const { subject, role } = await tokens.verify(bearerToken)
   */
  verify(token: string): Promise<Caller>
}

/** The claims of a token that this installation signs. */
interface TokenRequest {
  role: Role
  subject: string
  /** The tenant that the subject belongs to. */
  tenant?: string | undefined
  lifetimeSeconds: number
}

/** Signs tokens for use on this machine. */
export interface TokenSigner {
  /**
   * @throws AppError `forbidden` where another issuer signs.
   * @example await signer.sign({ role: 'admin', subject: 'anna', lifetimeSeconds: 3_600 })
   */
  sign(request: TokenRequest): Promise<string>
}

/** HS256 needs a secret as long as its hash (RFC 7518, section 3.2). */
export const MIN_SECRET_BYTES = 32

/** The secret that this installation signs its own tokens and sessions with. */
export interface SigningSecret {
  /**
   * The secret as it is now; `undefined` when none was ever needed.
   *
   * @throws AppError `unavailable` when there is one and it cannot be read.
   */
  current(): Promise<Uint8Array | undefined>

  /**
   * The secret. Creates it if there is none yet and the store is ours alone.
   *
   * @throws AppError `unavailable`
   * @example const key = await secret.obtain()
   */
  obtain(): Promise<Uint8Array>
}
