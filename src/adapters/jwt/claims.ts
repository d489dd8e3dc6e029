import type { JWTPayload } from 'jose'
import type { Caller, Role } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'

const MAX_SUBJECT = 200

/** A role is granted by its name or by a scope. */
const ROLE_OF = new Map<unknown, Role>([
  ['user', 'user'],
  ['service', 'service'],
  ['admin', 'admin'],
  ['prompts:read', 'service'],
  ['prompts:admin', 'admin'],
])

/** Claims that may name the caller, the best one first; the last two name programs. */
const NAMES = ['email', 'sub', 'client_id', 'azp']

/**
 * The caller that the claims of a verified token name.
 *
 * @throws AppError `unauthenticated` for a subject that does not belong into logs and records.
 */
export function callerOf(claims: JWTPayload, roleClaim: string): Caller {
  const subject = NAMES.map((name) => textOf(claims[name])).find((text) => text !== '') ?? 'unnamed'
  if (subject.length > MAX_SUBJECT || /\p{Cc}/u.test(subject) || !subject.isWellFormed()) {
    throw new AppError('unauthenticated', "The token's subject is too long or holds control characters.")
  }
  const sub = textOf(claims.sub)
  const limitKey = `token:${textOf(claims.iss)}:${sub || subject}`
  const owner = sub !== '' && { owner: { sub, tenant: textOf(claims['tenant_id']) } }
  return { kind: 'token', subject, role: roleOf(valueAt(claims, roleClaim)), ...owner, limitKey }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/**
 * The value at a claim's name or dotted path, among own members only. Keys may themselves hold dots (addresses at Auth0,
 * clients at Keycloak): each step takes the longest key that exists.
 */
export function valueAt(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const key = path.slice(0, end)
    if (!Object.hasOwn(value, key)) continue
    const member = (value as Record<string, unknown>)[key]
    return end === path.length ? member : valueAt(member, path.slice(end + 1))
  }
  return undefined
}

/** A scope without the name of its API, which Cognito and others put before it: `my-api/prompts:read`. */
function scopeIn(grant: unknown): string | undefined {
  const [, scope] = /\/(prompts:[^/]+)$/.exec(textOf(grant)) ?? []
  return scope
}

/** The highest role that the value grants. */
function roleOf(value: unknown): Role {
  const grants = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : []
  const roles = grants.map((grant) => ROLE_OF.get(grant) ?? ROLE_OF.get(scopeIn(grant)))
  return roles.includes('admin') ? 'admin' : roles.includes('service') ? 'service' : 'user'
}
