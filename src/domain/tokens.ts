import type { Caller, Role } from './caller.ts'

/** Verifies bearer tokens (JWT, spec §5). */
export interface TokenVerifier {
  /**
   * Who presents `token`.
   *
   * @throws AppError `unauthenticated` saying what is wrong with it, `unavailable` when its issuer's keys cannot be had.
   */
  verify(token: string): Promise<Caller>
}

/** What a token of our own says. */
export interface TokenRequest {
  role: Role
  subject: string
  /** The tenant that the bearer belongs to. */
  tenant?: string | undefined
  lifetimeSeconds: number
}

/** Signs tokens for use on this machine. */
export interface TokenSigner {
  /** @throws AppError `forbidden` where another issuer signs. */
  sign(request: TokenRequest): Promise<string>
}
