import { expect, test } from 'vitest'
import { issuerKeys } from '../../../src/adapters/jwt/issuer-keys.ts'
import { tokenVerifier } from '../../../src/adapters/jwt/token-verifier.ts'
import { failureOf } from '../../helpers/errors.ts'
import { newKey, publicHalf, startKeySource } from '../../helpers/issuer.ts'
import { waitFor } from '../../helpers/program.ts'
import type { SigningKey } from '../../helpers/shared.ts'
import { mintWithKey } from '../../helpers/tokens.ts'

/** A verifier by the keys of a source, with a clock that tests set. */
async function openVerifier(...keys: SigningKey[]) {
  const source = await startKeySource(...keys)
  const time = { now: Date.parse('2026-01-01T00:00:00Z') }
  const clock = () => new Date(time.now)
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const settings = {
    jwksUrl: source.url,
    issuer: 'i',
    audiences: ['a'],
    audienceClaim: 'aud',
    algorithms: ['ES256'],
    roleClaim: 'role',
  }
  const keyOf = issuerKeys({ url: source.url, staleIfErrorMs: 600_000, clock, warn })
  const verifier = tokenVerifier(settings, keyOf, clock)
  let count = 0
  /** Verifies a token that was never seen before. */
  const verify = (key: SigningKey, header: object = {}) => {
    const claims = { iss: 'i', aud: 'a', sub: 's', jti: count++, exp: time.now / 1000 + 60 }
    return verifier.verify(mintWithKey(key)(claims, header))
  }
  const outcomeOf = (key: SigningKey, header?: object) =>
    verify(key, header).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    )
  const pass = (seconds: number) => {
    time.now += seconds * 1000
  }
  return { source, verify, outcomeOf, pass, warnings }
}

test('keys are fetched once for many requests at the same time', async () => {
  const key = newKey('one')
  const { source, verify, pass } = await openVerifier(key)
  source.state.delayMs = 50
  await Promise.all(Array.from({ length: 20 }, () => verify(key)))
  pass(59)
  await verify(key)
  expect(source.visits()).toBe(1)
})

test('old keys are fetched again while requests go on with them', async () => {
  const [old, fresh] = [newKey('old'), newKey('fresh')]
  const { source, verify, outcomeOf, pass } = await openVerifier(old)
  await verify(old)
  source.state.keys = [publicHalf(fresh)]
  pass(61)
  // This one does not wait.
  await verify(old)
  await waitFor(() => source.visits() === 2)
  await waitFor(async () => (await outcomeOf(fresh)) === 'ok')
  // A key that its issuer withdrew is gone.
  expect(await outcomeOf(old)).toBe('unauthenticated')
})

test('an unknown key makes one fetch in 5 seconds, and a rotated one is found by it', async () => {
  const [first, second, foreign] = [newKey('first'), newKey('second'), newKey('foreign')]
  const { source, verify, outcomeOf, pass } = await openVerifier(first)
  await verify(first)
  source.state.keys = [publicHalf(first), publicHalf(second)]
  // Just fetched.
  expect(await outcomeOf(second)).toBe('unauthenticated')
  expect(source.visits()).toBe(1)
  pass(5)
  expect(await outcomeOf(second)).toBe('ok')
  expect(source.visits()).toBe(2)
  for (let turn = 0; turn < 50; turn++) expect(await outcomeOf(foreign)).toBe('unauthenticated')
  expect(source.visits()).toBe(2)
  pass(5)
  await Promise.all(Array.from({ length: 50 }, () => outcomeOf(foreign)))
  expect(source.visits()).toBe(3)
})

test('while the source is down, unknown keys make one fetch in 5 seconds too', async () => {
  const [known, foreign] = [newKey('known'), newKey('foreign')]
  const { source, verify, outcomeOf, pass } = await openVerifier(known)
  await verify(known)
  source.state.status = 500
  pass(5)
  // Perhaps the source would know it.
  for (let turn = 0; turn < 20; turn++) expect(await outcomeOf(foreign)).toBe('unavailable')
  expect(source.visits()).toBe(2)
  expect(await outcomeOf(known)).toBe('ok')
})

test('known keys outlive an outage for the set time, and no longer', async () => {
  const key = newKey('one')
  const { source, outcomeOf, verify, pass, warnings } = await openVerifier(key)
  await verify(key)
  source.state.status = 503
  for (let minutes = 0; minutes < 11; minutes++) {
    pass(60)
    expect(await outcomeOf(key)).toBe('ok')
  }
  pass(1)
  const failure = await failureOf(() => verify(key))
  expect(failure).toMatchObject({ code: 'unavailable', retryAfter: 5 })
  expect(warnings).toHaveLength(1)
  source.state.status = 200
  pass(5)
  expect(await outcomeOf(key)).toBe('ok')
})

test('without keys ever fetched a token is neither right nor wrong', async () => {
  const key = newKey('one')
  const { source, outcomeOf, pass } = await openVerifier(key)
  const visits = () => source.visits()
  source.state.status = 404
  expect(await outcomeOf(key)).toBe('unavailable')
  expect(await outcomeOf(key)).toBe('unavailable')
  expect(visits()).toBe(1)
  source.state.status = 200
  for (const body of ['no json', '[]', '{"keys": 7}', '{}']) {
    source.state.body = body
    pass(5)
    expect({ body, outcome: await outcomeOf(key) }).toEqual({ body, outcome: 'unavailable' })
  }
})

test('redirects are not followed', async () => {
  const key = newKey('one')
  const elsewhere = await startKeySource(key)
  const { source, outcomeOf } = await openVerifier()
  Object.assign(source.state, { status: 302, redirectTo: elsewhere.url })
  expect(await outcomeOf(key)).toBe('unavailable')
  expect(elsewhere.visits()).toBe(0)
})

test('a source that does not answer is given up after 3 seconds', async () => {
  const key = newKey('one')
  const { source, outcomeOf } = await openVerifier(key)
  source.state.delayMs = 20_000
  const startedAt = performance.now()
  expect(await outcomeOf(key)).toBe('unavailable')
  expect(performance.now() - startedAt).toBeGreaterThan(2_900)
  expect(performance.now() - startedAt).toBeLessThan(4_000)
})

test('a token that does not name its key is tried with every one that fits', async () => {
  const [first, second, foreign] = [newKey('first'), newKey('second'), newKey('foreign')]
  const { outcomeOf } = await openVerifier(first, second)
  expect(await outcomeOf(first, { kid: undefined })).toBe('ok')
  expect(await outcomeOf(second, { kid: undefined })).toBe('ok')
  expect(await outcomeOf(foreign, { kid: undefined })).toBe('unauthenticated')
})

test('keys that cannot be used refuse no one for good', async () => {
  const key = newKey('one')
  const { source, outcomeOf } = await openVerifier(key)
  source.state.keys = [{ ...publicHalf(key), x: 'AAAA' }]
  expect(await outcomeOf(key)).toBe('unavailable')
})
