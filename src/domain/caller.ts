/** What a caller may do, lowest first: each role may do everything that the ones before it may (spec §5). */
const ROLES = ['user', 'service', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Who asks. */
export interface Caller {
  /** Written to `updated_by` and the audit log: a token's e-mail or subject, `key:{name}`, the OS user, `seed`. */
  subject: string
  role: Role
  /** Bucket of the rate limits; `undefined` for callers that are not limited (stdio, command line). */
  limitKey?: string
  /** True when the user asked for it (`--read-only`): operations that write do not exist then. */
  readOnly?: boolean
}

/** Whether `caller` has `least` or a higher role. */
export function hasRole(caller: Caller, least: Role): boolean {
  return ROLES.indexOf(caller.role) >= ROLES.indexOf(least)
}
