import type { Caller, Role } from './caller.ts'

/** How bearer tokens are made and verified (spec §5). */
export interface TokenSettings {
  /** Where the issuer publishes its keys; `undefined`: HS256 with the local secret. */
  jwksUrl: string | undefined
  issuer: string | undefined
  audiences: string[] | undefined
  algorithms: string[]
  /** The claim that tells the role: its name, or a dotted path to it. */
  roleClaim: string
}

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
interface TokenRequest {
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
