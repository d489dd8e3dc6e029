import { expect, test } from 'vitest'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { localSecret } from '../../../src/adapters/files/signing-secret.ts'
import { createIdentity } from '../../../src/adapters/jwt/identity.ts'
import { failureOf } from '../../helpers/errors.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { tampered } from '../../helpers/tokens.ts'

const ANNA = { subject: 'anna@example.com', owner: { sub: 'anna', tenant: 'acme' } }

async function openSessions() {
  const time = { now: Date.parse('2026-01-01T00:00:00Z') }
  const layout = openLayout(await tempFolder())
  const settings = {
    jwksUrl: undefined,
    issuer: undefined,
    audiences: undefined,
    audienceClaim: 'aud',
    algorithms: ['HS256'],
    roleClaim: 'role',
  }
  const identity = createIdentity({
    secret: localSecret(layout, 'test'),
    tokens: settings,
    client: undefined,
    staleIfErrorMs: 0,
    clock: () => new Date(time.now),
    warn: () => {},
  })
  return { ...identity, time }
}

test('a session is read from its cookie, for 12 hours', async () => {
  const { sessions, time } = await openSessions()
  const { cookie, lifetimeSeconds } = await sessions.open(ANNA)
  expect(lifetimeSeconds).toBe(12 * 3600)
  const session = await sessions.read(cookie)
  expect(session).toEqual(ANNA)
  time.now += 12 * 3600_000 - 1
  expect(await sessions.read(cookie)).toEqual(session)
  time.now += 1
  expect(await sessions.read(cookie)).toBeUndefined()
})

test('a session is no token and a token is no session', async () => {
  const { sessions, tokens, signer } = await openSessions()
  const { cookie } = await sessions.open(ANNA)
  expect((await failureOf(() => tokens.verify(cookie))).code).toBe('unauthenticated')
  const token = await signer.sign({ role: 'admin', subject: 'anna', lifetimeSeconds: 60 })
  expect((await tokens.verify(token)).role).toBe('admin')
  expect(await sessions.read(token)).toBeUndefined()
})

test('other texts are no sessions', async () => {
  const { sessions } = await openSessions()
  // Before anything was ever signed here.
  expect(await sessions.read('x')).toBeUndefined()
  const { cookie } = await sessions.open(ANNA)
  for (const wrong of ['', 'x', `${cookie}x`, cookie.slice(0, -1), tampered(cookie, { sub: 'root' })]) {
    expect(await sessions.read(wrong)).toBeUndefined()
  }
})
