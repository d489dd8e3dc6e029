/** What a caller may do, lowest first: each role may do everything that the ones before it may. */
const ROLES = ['user', 'service', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** How a caller has proved who it is: an API key, a bearer token, a browser's session, or the rights of this process. */
export type CallerKind = 'key' | 'token' | 'session' | 'local'

/** Whom data of a user belongs to. */
export interface Owner {
  /** A token's `sub`; for sessions and on this machine the user's name. */
  sub: string
  /** A token's `tenant_id`; empty without one. */
  tenant: string
}

/** Who calls an operation. */
export interface Caller {
  kind: CallerKind
  /** Written to `updated_by` and the audit log: a token's e-mail or subject, `key:{name}`, the OS user, `seed`. */
  subject: string
  role: Role
  /** Missing for API keys, and for tokens that name no subject. */
  owner?: Owner
  /** Bucket of the rate limits; `undefined` for callers that are not limited (stdio, command line). */
  limitKey?: string
  /** True when the user asked for it (`--read-only`): operations that write do not exist then. */
  readOnly?: boolean
}

/** Whether `caller` has `least` or a higher role. */
export function hasRole(caller: Pick<Caller, 'role'>, least: Role): boolean {
  return ROLES.indexOf(caller.role) >= ROLES.indexOf(least)
}
