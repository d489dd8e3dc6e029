import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { secretKeys } from '../../../src/adapters/secrets-manager/api-keys.ts'
import {
  nextJson,
  nextVersion,
  remainingPause,
  runRotationStep,
} from '../../../src/adapters/secrets-manager/rotation.ts'
import { failureOf } from '../../helpers/errors.ts'
import { dropResponse, type Fault } from '../../stand-ins/faults.ts'
import { entry, keyJson, type OpenSecret, openSecret, SECRET } from './secret.ts'

const QUIET = { staleIfErrorMs: 600_000, warn: () => {} }
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const

const keysOf = ({ client }: OpenSecret, pauseMs = 60_000, clock = () => new Date()) =>
  secretKeys(client, SECRET, 'test', clock, QUIET, pauseMs)

/** Steps as Secrets Manager asks for them, at a time that the test sets. */
function stepsOf({ client }: OpenSecret, token: string = randomUUID()) {
  const time = { now: Date.parse('2026-03-01T00:00:00Z') }
  const clock = () => new Date(time.now)
  const run = (Step: string, mostMs = 0, pauseMs = 60_000) =>
    runRotationStep(
      client,
      { Step, SecretId: SECRET, ClientRequestToken: token },
      { stage: 'test', clock, mostMs, pauseMs },
    )
  return { token, time, run }
}

/** A secret on which a rotation has begun: what Secrets Manager does before it calls the function. */
async function begun(initial: object = keyJson('own', [entry('a')])) {
  const secret = await openSecret(initial)
  const steps = stepsOf(secret)
  // Its version has no text yet; here that can be shown only by the answer.
  const announced: Fault = {
    name: 'announced',
    only: /^DescribeSecret$/,
    async act(asked, respond) {
      const answer = await respond(asked)
      if (answer === 'lost') return answer
      const output = JSON.parse(answer.body.toString())
      output.VersionIdsToStages[steps.token] ??= ['AWSPENDING']
      return { ...answer, body: Buffer.from(JSON.stringify(output)) }
    },
  }
  secret.server.inject(announced)
  await steps.run('createSecret')
  return { secret, ...steps }
}

test('a rotation makes a new key, raises the version and carries all else over', async () => {
  const initial = keyJson('own', [entry('a'), entry('b')], { extra: { deep: [1] } })
  const { secret, run, time } = await begun(initial)
  const pending = await secret.read('AWSPENDING')
  expect(pending).toEqual({
    ...initial,
    api_key: expect.stringMatching(/^ppath_svc_test_[0-9a-f]{48}$/),
    created_at: '2026-03-01T00:00:00.000Z',
    version: 'v2',
  })
  await run('setSecret')
  await run('testSecret')
  time.now += 60_000
  await run('finishSecret')
  expect(await secret.read()).toEqual(pending)
  expect(await secret.read('AWSPREVIOUS')).toEqual(initial)
  expect(await secret.labels()).not.toHaveProperty('AWSPENDING')
})

test('every step may be repeated at any point, also when its answer was lost', async () => {
  const { secret, run, time } = await begun()
  const pending = await secret.read('AWSPENDING')
  for (const [index] of STEPS.entries()) {
    for (const step of STEPS.slice(0, index + 1)) {
      if (step === 'finishSecret') {
        time.now += 60_000
        secret.server.inject(dropResponse(), { op: 'UpdateSecretVersionStage', times: 2 })
      }
      await run(step)
      await run(step)
    }
  }
  expect(await secret.read()).toEqual(pending)
  for (const step of STEPS) await run(step)
  expect(await secret.read()).toEqual(pending)
  expect(Object.keys(await secret.labels()).sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS'])
})

test('a step that two run at the same time makes one key', async () => {
  const { secret, run } = await begun()
  const before = await secret.read('AWSPENDING')
  await Promise.all([run('createSecret'), run('createSecret')])
  expect(await secret.read('AWSPENDING')).toEqual(before)
})

test('the last step is refused before a minute has passed, and waits where there is time', async () => {
  const { secret, run, time } = await begun()
  time.now += 59_000
  const { code, retryAfter } = await failureOf(() => run('finishSecret', 999))
  expect({ code, retryAfter }).toEqual({ code: 'unavailable', retryAfter: 1 })
  expect((await secret.read()).api_key).toBe('own')
  const startedAt = performance.now()
  await run('finishSecret', 1_000)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000)
  expect((await secret.read()).api_key).not.toBe('own')
})

test('a rotation whose keys were changed is called off and does not come through', async () => {
  const edits = [
    (keys: ReturnType<typeof keysOf>) => keys.create('b'),
    (keys: ReturnType<typeof keysOf>) => keys.revoke('a'),
  ]
  for (const edit of edits) {
    const { secret, run, time } = await begun()
    const keys = keysOf(secret)
    await edit(keys)
    expect(await secret.labels()).not.toHaveProperty('AWSPENDING')
    const { keys: after } = await secret.read()
    time.now += 60_000
    for (const step of STEPS) expect((await failureOf(() => run(step))).code).toBe('conflict')
    expect(await secret.read()).toMatchObject({ api_key: 'own', keys: after })
    // The next one does.
    const next = keysOf(secret, 10)
    await next.rotate(() => {})
    expect((await secret.read()).keys).toEqual(after)
  }
})

test('a revoked key is gone while a rotation is pending, and stays so', async () => {
  const { secret } = await begun()
  const keys = keysOf(secret)
  expect(await keys.verify(entry('a').api_key)).toBeDefined()
  await keys.revoke('a')
  for (const reader of [keys, keysOf(secret)]) expect(await reader.verify(entry('a').api_key)).toBeUndefined()
})

test('a key that is revoked while the pending version is being made does not come back with it', async () => {
  const secret = await openSecret(keyJson('own', [entry('a')]))
  // The rotation has read the keys, and its version arrives after the revocation.
  secret.server.beforeForward = async (op) => {
    if (op !== 'PutSecretValue') return
    secret.server.beforeForward = () => {}
    await keysOf(secret).revoke('a')
  }
  const error = await failureOf(() => keysOf(secret, 10).rotate(() => {}))
  expect(error.code).toBe('conflict')
  expect(await secret.labels()).not.toHaveProperty('AWSPENDING')
  expect(await keysOf(secret).verify(entry('a').api_key)).toBeUndefined()
})

test('a rotation whose keys differ is refused at its last instant', async () => {
  const { secret, run, time } = await begun()
  await run('testSecret')
  time.now += 60_000
  // By somebody who knows nothing of rotations.
  await secret.put(keyJson('own', [entry('z')]))
  expect((await failureOf(() => run('finishSecret'))).code).toBe('conflict')
  expect(await secret.read()).toMatchObject({ api_key: 'own', keys: [entry('z')] })
})

test.each([
  ['no JSON', 'CANARY {'],
  ['without a key', { created_at: '2026-01-01T00:00:00Z', keys: [] }],
  ['without a time', { api_key: 'CANARY', keys: [] }],
  ['with the old key', keyJson('own', [])],
])('a pending value %s is not made current', async (_, value) => {
  const secret = await openSecret(keyJson('own', []))
  const token = await secret.put(value, 'AWSPENDING')
  const { run } = stepsOf(secret, token)
  for (const step of ['createSecret', 'testSecret', 'finishSecret']) {
    const { code, operatorMessage } = await failureOf(() => run(step))
    expect({ code, operatorMessage }).toEqual({
      code: 'unavailable',
      operatorMessage: expect.stringContaining('AWSPENDING'),
    })
    expect(operatorMessage).not.toContain('CANARY')
  }
  expect((await secret.read()).api_key).toBe('own')
})

test('only what Secrets Manager has begun is rotated', async () => {
  const secret = await openSecret(keyJson('own'))
  const draft = await secret.put(keyJson('draft'), 'SOMEBODY-ELSE')
  for (const token of [randomUUID(), draft]) {
    expect((await failureOf(() => stepsOf(secret, token).run('createSecret'))).code).toBe('conflict')
  }
  expect((await failureOf(() => stepsOf(secret).run('dropSecret'))).code).toBe('invalid_input')
  const disabled: Fault = {
    name: 'disabled',
    async act(asked, respond) {
      const answer = await respond(asked)
      if (answer === 'lost') return answer
      const output = { ...JSON.parse(answer.body.toString()), RotationEnabled: false }
      return { ...answer, body: Buffer.from(JSON.stringify(output)) }
    },
  }
  const token = await secret.put(keyJson('next'), 'AWSPENDING')
  secret.server.inject(disabled, { op: 'DescribeSecret' })
  expect((await failureOf(() => stepsOf(secret, token).run('testSecret'))).message).toContain('not enabled')
})

test('rotating goes on with what is pending, whoever began it', async () => {
  const { secret } = await begun()
  const { api_key: pending } = await secret.read('AWSPENDING')
  const told: string[] = []
  const { key, record } = await keysOf(secret, 10).rotate((sentence) => told.push(sentence))
  expect(key).toBe(pending)
  expect(record).toMatchObject({ id: 'current', name: 'backend', prefix: key.slice(0, 21) })
  expect(told[0]).toContain('Going on')
})

test('rotating starts anew where the pending version is out of date', async () => {
  const { secret } = await begun()
  const { api_key: pending } = await secret.read('AWSPENDING')
  await secret.put(keyJson('own', [entry('z')]))
  const { key } = await keysOf(secret, 10).rotate(() => {})
  expect(key).not.toBe(pending)
  expect(await secret.read()).toMatchObject({ api_key: key, keys: [entry('z')] })
})

test('a previous key that is withdrawn while a rotation waits does not stop it', async () => {
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(keyJson('own-2'))
  const keys = keysOf(secret, 400)
  const rotating = keys.rotate(() => {})
  await expect.poll(() => secret.labels()).toHaveProperty('AWSPENDING')
  await keys.revokePrevious()
  const { key } = await rotating
  const idOf = async (one: string) => (await keysOf(secret).verify(one))?.id
  expect([await idOf('own-1'), await idOf('own-2'), await idOf(key)]).toEqual([
    undefined,
    'previous',
    'current',
  ])
})

test('a whole rotation refuses nobody: 1,000 verifications on three servers', async () => {
  const named = entry('billing')
  const secret = await openSecret(keyJson('own', [named]))
  // A minute passes in two seconds on the servers, which read the secret as often as they would.
  const startedAt = Date.now()
  const fast = () => new Date(startedAt + (Date.now() - startedAt) * 30)
  const servers = [0, 1, 2].map(() => keysOf(secret, 60_000, fast))
  for (const server of servers) await server.verify('own')
  const rotating = keysOf(secret, 2_000).rotate(() => {})
  const refused: string[] = []
  let newKey = ''
  void rotating.then(({ key }) => {
    newKey = key
  })
  let after = 0
  for (let nth = 0; nth < 1_000; nth++) {
    const server = servers[nth % 3]
    // Callers learn of the new key when it is the current one; some still use the old one.
    const key = nth % 5 === 0 ? named.api_key : newKey !== '' && nth % 2 ? newKey : 'own'
    if (key === newKey) after++
    // Strangers use up the further readings that unknown keys may cause.
    await server?.verify('a wrong key')
    if (!(await server?.verify(key))) refused.push(key)
    await delay(3)
  }
  await rotating
  expect(refused).toEqual([])
  expect(after).toBeGreaterThan(50)
})

test.each([
  ['v1', 'v2'],
  ['v9', 'v10'],
  ['1.9', '1.10'],
  ['2026-01', '2026-2'],
  ['beta', 'beta-2'],
  ['', '-2'],
  [7, 8],
  [undefined, 'v2'],
  [null, 'v2'],
])('version %j becomes %j', (version, next) => {
  expect(nextVersion(version)).toBe(next)
})

test('the next value has a new key, time and version, and all else as it was', () => {
  const json = keyJson('own', [entry('a')], { extra: { deep: [1] } })
  expect(nextJson(json, 'test', new Date('2026-03-01T00:00:00Z'))).toEqual({
    ...json,
    api_key: expect.stringMatching(/^ppath_svc_test_[0-9a-f]{48}$/),
    created_at: '2026-03-01T00:00:00.000Z',
    version: 'v2',
  })
})

test.each([
  ['2026-03-01T00:00:00Z', 60_000],
  ['2026-02-28T23:59:30Z', 30_000],
  ['2026-02-28T23:59:00Z', 0],
  ['2026-02-28T23:58:00Z', -60_000],
  // By a clock that is fast.
  ['2026-03-01T01:00:00Z', 60_000],
])('a key of %s stays pending for %d ms', (createdAt, expected) => {
  const clock = () => new Date('2026-03-01T00:00:00Z')
  expect(remainingPause(createdAt, { clock, pauseMs: 60_000 })).toBe(expected)
})
