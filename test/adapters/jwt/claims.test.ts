import type { JWTPayload } from 'jose'
import { expect, test } from 'vitest'
import { callerOf } from '../../../src/adapters/jwt/claims.ts'
import { failureAtOnce } from '../../helpers/errors.ts'

test.each([
  ['admin', 'admin'],
  ['service', 'service'],
  ['user', 'user'],
  ['prompts:read', 'service'],
  ['prompts:admin', 'admin'],
  ['openid prompts:read profile', 'service'],
  ['prompts:read prompts:admin', 'admin'],
  [['user', 'service'], 'service'],
  [['viewer', 'prompts:admin'], 'admin'],
  ['my-api/prompts:read openid', 'service'],
  [['https://api.example/prompts:admin'], 'admin'],
  ['team/admin', 'user'],
  ['superuser', 'user'],
  ['Admin', 'user'],
  ['administrator', 'user'],
  ['prompts:admin:x', 'user'],
  ['admin\u00a0x', 'user'],
  ['', 'user'],
  [[], 'user'],
  [[['admin']], 'user'],
  [{ admin: true }, 'user'],
  [true, 'user'],
  [null, 'user'],
  [undefined, 'user'],
])('the claim %j gives the role %s', (role, expected) =>
  expect(callerOf({ sub: 'x', role }, 'role').role).toBe(expected),
)

test.each([
  ['https://app.example/roles', { 'https://app.example/roles': ['admin'] }, 'admin'],
  ['realm_access.roles', { realm_access: { roles: ['admin'] } }, 'admin'],
  ['realm_access.roles', { 'realm_access.roles': 'service', realm_access: { roles: ['admin'] } }, 'service'],
  [
    'resource_access.my.client.roles',
    { resource_access: { my: {}, 'my.client': { roles: ['admin'] } } },
    'admin',
  ],
  ['realm_access.roles', { realm_access: null }, 'user'],
  ['realm_access.roles', { realm_access: 'roles' }, 'user'],
  ['constructor.name', {}, 'user'],
  ['__proto__.role', {}, 'user'],
])('the claim %s is found by its name or path, among own members only: %j', (claim, claims, expected) =>
  expect(callerOf(claims, claim).role).toBe(expected),
)

test.each([
  [{ email: 'a@b.example', sub: 's', client_id: 'c', azp: 'z' }, 'a@b.example'],
  [{ sub: 's', client_id: 'c' }, 's'],
  [{ client_id: 'c', azp: 'z' }, 'c'],
  [{ azp: 'z' }, 'z'],
  [{}, 'unnamed'],
  [{ email: '', sub: 's' }, 's'],
  [{ email: 7, sub: 's' }, 's'],
] as [JWTPayload, string][])('the subject of %j is %s', (claims, subject) =>
  expect(callerOf(claims, 'role').subject).toBe(subject),
)

test.each(['x'.repeat(201), 'line\nbreak', 'nul\0', 'del\x7f', 'c1\x85', 'half \ud800'])(
  'the subject %j is refused',
  (sub) => expect(failureAtOnce(() => callerOf({ sub }, 'role')).code).toBe('unauthenticated'),
)

test('limits count by issuer and subject, not by e-mail address', () => {
  const { limitKey } = callerOf({ iss: 'i', sub: 's', email: 'e' }, 'role')
  expect(limitKey).toBe('token:i:s')
  expect(callerOf({ client_id: 'c' }, 'role').limitKey).toBe('token::c')
})

test.each([
  [
    { sub: 's1', tenant_id: 'acme', email: 'ada@acme.example' },
    { sub: 's1', tenant: 'acme' },
  ],
  [{ sub: 's1' }, { sub: 's1', tenant: '' }],
  [
    { sub: 's1', tenant_id: 7 },
    { sub: 's1', tenant: '' },
  ],
  [{ email: 'ada@acme.example' }, undefined],
])('data of the bearer of %j belongs to %j', (claims: JWTPayload, owner) => {
  const caller = callerOf(claims, 'role')
  expect(caller.kind).toBe('token')
  expect(caller.owner).toEqual(owner)
})
