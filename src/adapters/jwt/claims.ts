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

/** Reads own members only. A claim's name may itself hold dots: Auth0 wants an address there. */
function valueAt(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      claims,
    )
}

/** The highest role that the value grants. */
function roleOf(value: unknown): Role {
  const grants = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : []
  const roles = grants.map((grant) => ROLE_OF.get(grant))
  return roles.includes('admin') ? 'admin' : roles.includes('service') ? 'service' : 'user'
}
