import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { keyInterpreter, secretKeys } from '../../../src/adapters/secrets-manager/api-keys.ts'
import type { ApiKey } from '../../../src/domain/api-keys.ts'
import type { Awaitable } from '../../../src/util/awaitable.ts'
import { apiKeysContract } from '../../contracts/api-keys.ts'
import { failureOf } from '../../helpers/errors.ts'
import { accessDenied, dropResponse, type Fault, latency } from '../../stand-ins/faults.ts'
import { allOf, collectWarnings, entry, keyJson, type OpenSecret, openSecret, SECRET } from './secret.ts'

const STALE_MS = 600_000
const OWN = 'CANARY-SECRET-own'

/** Keys of a secret, by a clock that the test sets. */
function keysOf({ client }: OpenSecret, now = Date.parse('2026-03-01T00:00:00Z')) {
  const time = { now }
  const warnings = collectWarnings()
  const clock = () => new Date(time.now)
  const open = () =>
    secretKeys(client, SECRET, 'test', clock, { staleIfErrorMs: STALE_MS, warn: warnings.warn }, 50)
  return { keys: open(), open, time, warnings: warnings.told }
}

describe('keys in a secret', () => {
  apiKeysContract(async (clock, time) => {
    const { client } = await openSecret(keyJson(OWN))
    const outages = { staleIfErrorMs: STALE_MS, warn: () => {} }
    const open = () => secretKeys(client, SECRET, 'test', clock, outages, 50)
    return {
      keys: open(),
      others: open(),
      async settle() {
        time.now += 30_000
      },
    }
  })
})

async function opened(initial?: object | string) {
  const secret = await openSecret(initial)
  return { secret, ...keysOf(secret) }
}

test('the own key counts from all three stages, named keys from the current and the pending one', async () => {
  const secret = await openSecret(keyJson('own-1', [entry('old')]))
  await secret.put(keyJson('own-2', [entry('now')]))
  await secret.put(keyJson('own-3', [entry('now'), entry('next')]), 'AWSPENDING')
  await secret.put(keyJson('own-4', [entry('draft')]), 'SOMEBODY-ELSE')
  const { keys } = keysOf(secret)
  const idOf = async (key: string) => (await keys.verify(key))?.id
  expect(await idOf('own-1')).toBe('previous')
  expect(await idOf('own-2')).toBe('current')
  expect(await idOf('own-3')).toBe('pending')
  expect(await idOf('CANARY-SECRET-of-now')).toBe('id-now')
  expect(await idOf('CANARY-SECRET-of-next')).toBe('id-next')
  for (const wrong of [
    '',
    'own',
    'own-2 ',
    'OWN-2',
    'own-4',
    'CANARY-SECRET-of-old',
    'CANARY-SECRET-of-draft',
  ])
    expect(await idOf(wrong)).toBeUndefined()
  // The text of the draft was never fetched.
  expect(secret.count('GetSecretValue')).toBe(3)
})

test('a key that was stored with a final line break is verified without it, and edits keep it as it is', async () => {
  const { secret, keys } = await opened(keyJson('own\n', [entry('a', { api_key: 'named\r\n' })]))
  expect(await keys.verify('own')).toMatchObject({ id: 'current' })
  expect(await keys.verify('named')).toMatchObject({ id: 'id-a' })
  expect(await keys.verify('own\n')).toBeUndefined()
  await keys.create('new')
  const { api_key, keys: [named] = [] } = await secret.read()
  expect([api_key, named?.api_key]).toEqual(['own\n', 'named\r\n'])
})

test('keys are listed without their values, each once', async () => {
  const own = `ppath_svc_test_${'ab'.repeat(24)}`
  const named = entry('billing', { expires_at: '2026-02-01T00:00:00+02:00', created_at: '2026-01-15' })
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(keyJson(own, [named]))
  await secret.put(keyJson(own, [named]), 'AWSPENDING')
  const { keys } = keysOf(secret)
  expect(await keys.list()).toEqual([
    {
      id: 'current',
      name: 'backend',
      prefix: 'ppath_svc_test_ababab',
      created_at: '2026-01-01T00:00:00.000Z',
    },
    { id: 'previous', name: 'backend', prefix: '(no key of ours)', created_at: '2026-01-01T00:00:00.000Z' },
    {
      id: 'id-billing',
      name: 'billing',
      prefix: '(no key of ours)',
      created_at: '2026-01-15T00:00:00.000Z',
      expires_at: '2026-01-31T22:00:00.000Z',
    },
  ])
  expect(await keys.verify(named.api_key)).toBeUndefined()
})

test('a created key is verified by its record, and all else in the secret stays as it was', async () => {
  const initial = keyJson('own', [entry('kept')], { owner: { team: 'x' }, __extra: [1, null] })
  const { secret, keys, open } = await opened(initial)
  const others = open()
  expect(await others.verify('nothing')).toBeUndefined()
  const { key, record } = await keys.create('new', new Date('2026-06-01T00:00:00Z'))
  expect(key).toMatch(/^ppath_svc_test_[0-9a-f]{48}$/)
  expect(record).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}$/),
    name: 'new',
    prefix: key.slice(0, 'ppath_svc_test_'.length + 6),
    created_at: '2026-03-01T00:00:00.000Z',
    expires_at: '2026-06-01T00:00:00.000Z',
  })
  const { id, name, created_at, expires_at } = record
  expect(await secret.read()).toEqual({
    ...initial,
    keys: [entry('kept'), { id, name, api_key: key, created_at, expires_at }],
  })
  expect(await keys.verify(key)).toEqual(record)
  expect(await keys.list()).toContainEqual(record)
  // No label of ours stays behind, and there is no previous version where there was none.
  expect(Object.keys(await secret.labels())).toEqual(['AWSCURRENT'])
})

test('keys that many create at the same time are all kept', async () => {
  const { secret, open } = await opened(keyJson('own', [entry('first')]))
  const names = Array.from({ length: 12 }, (_, number) => `k${number}`)
  const made = await Promise.all(names.map((name) => open().create(name)))
  const { keys: entries = [] } = await secret.read()
  expect(entries.map(({ name }) => name).sort()).toEqual([...names, 'first'].sort())
  const keys = open()
  for (const { key, record } of made) expect(await keys.verify(key)).toEqual(record)
  // What lost against others has left no label: a secret takes 20.
  await keys.create('last')
  expect(Object.keys(await secret.labels())).toEqual(['AWSCURRENT'])
})

test('creating and revoking at the same time lose nothing', async () => {
  const { secret, open } = await opened(
    keyJson(
      'own',
      ['a', 'b', 'c'].map((name) => entry(name)),
    ),
  )
  await Promise.all([open().create('d'), open().revoke('a'), open().create('e'), open().revoke('id-b')])
  const { keys: entries = [] } = await secret.read()
  expect(entries.map(({ name }) => name).sort()).toEqual(['c', 'd', 'e'])
})

test('a key is created and revoked once, also when answers get lost', async () => {
  const { secret, keys } = await opened(keyJson('own-1'))
  await secret.put(keyJson('own-2'))
  const { AWSPREVIOUS: before } = await secret.labels()
  for (const op of ['PutSecretValue', 'UpdateSecretVersionStage'])
    secret.server.inject(dropResponse(), { op })
  const { key } = await keys.create('new')
  const names = async () => ((await secret.read()).keys ?? []).map(({ name }) => name)
  expect(await names()).toEqual(['new'])
  expect(await keys.verify(key)).toBeDefined()
  secret.server.inject(dropResponse(), { op: 'UpdateSecretVersionStage' })
  await keys.revoke('new')
  expect(await names()).toEqual([])
  expect(await keys.verify(key)).toBeUndefined()
  expect(await keys.verify('own-1')).toMatchObject({ id: 'previous' })
  const labels = await secret.labels()
  expect(Object.keys(labels).sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS'])
  expect(labels['AWSPREVIOUS']).toBe(before)
})

test('a revoked key ends here at once, elsewhere within 30 seconds; others stay', async () => {
  const { keys, open, time } = await opened(keyJson('own', [entry('gone'), entry('kept')]))
  const others = open()
  const [gone, kept] = [entry('gone').api_key, entry('kept').api_key]
  expect(await others.verify(gone)).toBeDefined()
  expect(await keys.revoke('gone')).toEqual({
    id: 'id-gone',
    name: 'gone',
    prefix: '(no key of ours)',
    revoked_at: '2026-03-01T00:00:00.000Z',
  })
  expect(await keys.verify(gone)).toBeUndefined()
  time.now += 30_000
  expect(await others.verify(gone)).toBeUndefined()
  expect(await others.verify(kept)).toMatchObject({ name: 'kept' })
})

test('a name means just one key; the key that rotates is told apart', async () => {
  const twins = [entry('twin'), entry('twin', { id: 'id-2', api_key: 'other' })]
  const { keys } = await opened(keyJson('own', twins))
  expect((await failureOf(() => keys.revoke('twin'))).code).toBe('conflict')
  expect((await keys.revoke('id-2')).id).toBe('id-2')
  expect((await keys.revoke('twin')).id).toBe('id-twin')
  expect((await failureOf(() => keys.revoke('twin'))).code).toBe('not_found')
  for (const own of ['backend', 'current', 'previous']) {
    const { code, message } = await failureOf(() => keys.revoke(own))
    expect({ code, message }).toEqual({
      code: 'invalid_input',
      message: expect.stringContaining('keys rotate'),
    })
  }
})

test('the previous key survives edits soon after a rotation, for whoever reads at any instant', async () => {
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(keyJson('own-2'))
  const { AWSPREVIOUS: before } = await secret.labels()
  const { keys, open } = keysOf(secret)
  const seen: (string | undefined)[] = []
  // After every step of the edits somebody else starts and reads.
  secret.server.afterForward = async (op) => {
    if (!/^(Put|Update)/.test(op)) return
    const reader = open()
    for (const key of ['own-1', 'own-2']) seen.push((await reader.verify(key))?.id)
  }
  await keys.create('one')
  await keys.revoke('one')
  secret.server.reset()
  expect(seen.length).toBeGreaterThanOrEqual(12)
  expect(new Set(seen)).toEqual(new Set(['previous', 'current']))
  expect((await secret.labels())['AWSPREVIOUS']).toBe(before)
})

test('an edit that was killed half-way counts, and the next one completes it', async () => {
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(keyJson('own-2', [entry('gone')]))
  await secret.put(keyJson('own-3', [entry('gone')]), 'AWSPENDING')
  const { AWSPREVIOUS: before } = await secret.labels()
  const { keys, open } = keysOf(secret)
  // AWSCURRENT is moved; nothing that follows arrives.
  secret.server.afterForward = (op) => {
    if (op === 'UpdateSecretVersionStage')
      secret.server.inject(accessDenied(), { op: /^UpdateSecret/, times: 9 })
  }
  await keys.revoke('gone')
  secret.server.reset()
  expect((await secret.labels())['AWSPREVIOUS']).not.toBe(before)
  const reader = open()
  expect(await reader.verify('own-1')).toMatchObject({ id: 'previous' })
  expect(await reader.verify('own-3')).toMatchObject({ id: 'pending' })
  expect(await reader.verify(entry('gone').api_key)).toBeUndefined()
  await keys.create('next')
  const labels = await secret.labels()
  expect(Object.keys(labels).sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS'])
  expect(labels['AWSPREVIOUS']).toBe(before)
})

test('the previous key is withdrawn, once, and an edit at the same time does not bring it back', async () => {
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(keyJson('own-2'))
  const { keys, open } = keysOf(secret)
  expect(await keys.verify('own-1')).toBeDefined()
  const other = open()
  let withdrawn: Promise<unknown> | undefined
  // The edit has read the secret, and knows of the previous version.
  secret.server.beforeForward = async (op) => {
    if (op !== 'PutSecretValue' || withdrawn) return
    withdrawn = keys.revokePrevious()
    await withdrawn
  }
  await other.create('new')
  expect(await withdrawn).toMatchObject({
    id: 'previous',
    name: 'backend',
    revoked_at: '2026-03-01T00:00:00.000Z',
  })
  secret.server.reset()
  expect(await keys.verify('own-1')).toBeUndefined()
  expect(await open().verify('own-1')).toBeUndefined()
  expect(await open().verify('own-2')).toBeDefined()
  expect(await secret.labels()).not.toHaveProperty('AWSPREVIOUS')
  expect((await failureOf(() => keys.revokePrevious())).code).toBe('not_found')
})

test('the previous key is withdrawn, never the one that a rotation replaces meanwhile', async () => {
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(keyJson('own-2'))
  const { keys, open } = keysOf(secret)
  secret.server.beforeForward = async (op) => {
    if (op !== 'PutSecretValue') return
    secret.server.beforeForward = () => {}
    await secret.put(keyJson('own-3'))
  }
  await keys.revokePrevious()
  const idOf = async (key: string) => (await open().verify(key))?.id
  expect(await Promise.all(['own-1', 'own-2', 'own-3'].map(idOf))).toEqual([undefined, 'previous', 'current'])
})

test('unknown keys cause one further reading in 5 seconds, and a new key is found by it', async () => {
  const { secret, keys, time } = await opened(keyJson('own'))
  const flood = () => Promise.all(Array.from({ length: 200 }, (_, number) => keys.verify(`wrong-${number}`)))
  expect(await keys.verify('own')).toBeDefined()
  expect(secret.count('DescribeSecret')).toBe(1)
  await flood()
  expect(secret.count('DescribeSecret')).toBe(2)
  time.now += 4_999
  await flood()
  expect(secret.count('DescribeSecret')).toBe(2)
  await secret.put(keyJson('newer'))
  expect(await keys.verify('newer')).toBeUndefined()
  time.now += 1
  expect(await keys.verify('newer')).toMatchObject({ id: 'current' })
  expect(secret.count('DescribeSecret')).toBe(3)
  await flood()
  expect(secret.count('DescribeSecret')).toBe(3)
  expect(secret.count('GetSecretValue')).toBe(2)
})

test('a secret is read again on use after 30 seconds, and its texts only once', async () => {
  const { secret, keys, time } = await opened(keyJson('own'))
  for (let use = 0; use < 4; use++) {
    await Promise.all(Array.from({ length: 50 }, () => keys.verify('own')))
    time.now += 30_000
  }
  expect(secret.count('DescribeSecret')).toBe(4)
  expect(secret.count('GetSecretValue')).toBe(1)
})

test('what is known outlives an outage for its time, and the operator is told once', async () => {
  const { secret, keys, time, warnings } = await opened(keyJson('own'))
  expect(await keys.verify('own')).toBeDefined()
  secret.server.outage()
  for (let passed = 0; passed < STALE_MS; passed += 60_000) {
    time.now += 60_000
    expect(await keys.verify('own')).toMatchObject({ id: 'current' })
  }
  // What is not known may be a new key: nobody can say that it is wrong.
  expect(await failureOf(() => keys.verify('new'))).toMatchObject({ code: 'unavailable', retryAfter: 5 })
  time.now += 30_000
  expect(await failureOf(() => keys.verify('own'))).toMatchObject({ code: 'unavailable', retryAfter: 5 })
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(`cannot read secret ${SECRET}`)
  secret.server.heal()
  time.now += 5_000
  expect(await keys.verify('own')).toBeDefined()
  expect(await keys.verify('wrong')).toBeUndefined()
})

test('nobody waits for a service that hangs while keys are known', async () => {
  const { secret, keys, time } = await opened(keyJson('own'))
  expect(await keys.verify('own')).toBeDefined()
  secret.server.inject(latency(60_000), { times: 100 })
  time.now += 30_000
  // The first one finds out.
  expect(await keys.verify('own')).toBeDefined()
  const startedAt = performance.now()
  for (let use = 0; use < 20; use++) {
    time.now += 5_000
    expect(await keys.verify('own')).toBeDefined()
  }
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

test('without a secret there are no keys, and one warning says how to make it', async () => {
  const { secret, keys, time, warnings } = await opened()
  expect(await keys.verify('own')).toBeUndefined()
  time.now += 60_000
  expect(await keys.verify('own')).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('purposepath-prompts provision')])
  for (const work of [() => keys.create('one'), () => keys.list()]) {
    const { code, operatorMessage } = await failureOf(work)
    expect({ code, operatorMessage }).toEqual({
      code: 'unavailable',
      operatorMessage: expect.stringContaining('purposepath-prompts provision'),
    })
  }
  expect(warnings).toHaveLength(1)
  await secret.make(keyJson('own'))
  time.now += 30_000
  expect(await keys.verify('own')).toBeDefined()
  // Marked for deletion.
  await secret.remove()
  time.now += 30_000
  expect(await keys.verify('own')).toBeUndefined()
})

test.each([
  ['no JSON', `${OWN} {`],
  ['a list', JSON.stringify([OWN])],
  ['a number', '12'],
  ['no key', JSON.stringify({ key: OWN })],
  ['an empty key', JSON.stringify({ api_key: '' })],
  ['a key that is no text', JSON.stringify({ api_key: { value: OWN } })],
  ['keys that are no list', JSON.stringify({ api_key: OWN, keys: { a: entry('a') } })],
  ['an entry without a key', JSON.stringify({ api_key: OWN, keys: [{ id: 'x', name: OWN }] })],
  ['a wrong time', JSON.stringify({ api_key: OWN, keys: [entry('x', { expires_at: OWN })] })],
])('of a damaged value (%s) what can be read counts, and nothing is told of it', async (_, damaged) => {
  const secret = await openSecret(keyJson('own-1'))
  await secret.put(damaged)
  const { keys, time, warnings } = keysOf(secret)
  expect(await keys.verify('own-1')).toMatchObject({ id: 'previous' })
  expect(await keys.verify('')).toBeUndefined()
  expect(await keys.verify(entry('x').api_key)).toBeUndefined()
  time.now += 60_000
  expect(await keys.verify('own-1')).toMatchObject({ id: 'previous' })
  expect(warnings).toEqual([expect.stringMatching(/is invalid; .*AWSCURRENT: /)])
  expect(warnings.join()).not.toContain('CANARY')
})

test('an invalid value is warned of once until it changes', () => {
  const warnings: string[] = []
  const calls = { resource: 'secret test', setting: 'PROMPTS_TEST' }
  const interpret = keyInterpreter(calls, (message) => void warnings.push(message))
  const read = (text: string, labels = ['AWSCURRENT']) =>
    interpret({ labels: { v1: labels }, texts: new Map([['v1', text]]) }).map(({ record }) => record.id)
  expect(read('no JSON')).toEqual([])
  expect(read('no JSON', ['AWSCURRENT', 'OTHER'])).toEqual([])
  expect(read(JSON.stringify(keyJson('own')))).toEqual(['current'])
  expect(read('no JSON')).toEqual([])
  const invalid = 'secret test is invalid; what can be read of it counts: AWSCURRENT: it is no JSON object'
  expect(warnings).toEqual([invalid, invalid])
  expect(read(JSON.stringify(keyJson('own')), ['OTHER'])).toEqual([])
  expect(warnings[2]).toMatch(/^secret test has no value: no API key is valid. Create it with /)
})

test('a key is verified by the same record until the secret changes', async () => {
  const { secret, keys, time } = await opened(keyJson('own', [entry('a')]))
  const record = await keys.verify('own')
  expect(record).toMatchObject({ id: 'current' })
  time.now += 30_000
  expect(await keys.verify('own')).toBe(record)
  await secret.put(keyJson('own', [entry('b')]))
  time.now += 30_000
  const after = await keys.verify('own')
  expect(after).toEqual(record)
  expect(await keys.verify('own')).toBe(after)
})

test('entries that cannot be understood are kept by an edit', async () => {
  const odd = { note: 'by hand' }
  const initial = { api_key: 'own', keys: [odd, null, entry('good')] }
  const { secret, keys } = await opened(initial)
  const { record } = await keys.create('new')
  await keys.revoke('good')
  expect((await secret.read()).keys).toEqual([odd, null, expect.objectContaining({ id: record.id })])
})

test.each(['no JSON', '[]', '{"keys": 1}'])('a damaged current value is not edited: %s', async (damaged) => {
  const { secret, keys } = await opened(damaged)
  for (const edit of [() => keys.create('one'), () => keys.revoke('one')]) {
    const { code, operatorMessage } = await failureOf(edit)
    expect({ code, operatorMessage }).toEqual({
      code: 'unavailable',
      operatorMessage: expect.stringContaining('invalid'),
    })
  }
  expect(secret.count('PutSecretValue')).toBe(0)
})

test('a version that a rotation has not filled yet does not stand in the way', async () => {
  const { secret, keys, time } = await opened(keyJson('own'))
  const token = 'b'.repeat(36)
  secret.server.inject(emptyPending(token), { times: 100 })
  expect(await keys.verify('own')).toBeDefined()
  time.now += 30_000
  expect(await keys.verify('own')).toBeDefined()
  // Asked for again and again: its text is still to come.
  expect(secret.count('GetSecretValue')).toBe(3)
})

/** AWSPENDING on a version without a text, as Secrets Manager puts it there before it calls the function. */
function emptyPending(token: string): Fault {
  return {
    name: 'emptyPending',
    only: /^DescribeSecret$/,
    async act(asked, respond) {
      const answer = await respond(asked)
      if (answer === 'lost') return answer
      const output = JSON.parse(answer.body.toString())
      output.VersionIdsToStages[token] = ['AWSPENDING']
      return { ...answer, body: Buffer.from(JSON.stringify(output)) }
    },
  }
}

test('no more keys are taken than a secret holds', async () => {
  const { keys } = await opened(keyJson('own', [entry('long', { api_key: 'x'.repeat(65_300) })]))
  expect((await failureOf(() => keys.create('one'))).code).toBe('too_large')
})

test('no failure and no warning holds a value of the secret', async () => {
  const { secret, keys, time, warnings } = await opened(keyJson(OWN, [entry('a')]))
  const errors: unknown[] = []
  const tryAll = async () => {
    for (const work of [
      async () => keys.verify('CANARY-SECRET-presented'),
      () => keys.create('b'),
      () => keys.revoke('a'),
      () => keys.revokePrevious(),
      () => keys.rotate(() => {}),
      () => keys.list(),
    ])
      await work().catch((error: unknown) => errors.push(error))
    time.now += 60_000
  }
  const garbage: Fault = {
    name: 'garbage',
    async act(_, _respond) {
      const body = Buffer.from('{"SecretString": CANARY-SECRET-wire}')
      return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body }
    },
  }
  for (const fault of [garbage, accessDenied()]) {
    secret.server.reset()
    secret.server.inject(fault, { op: /^(Get|Put|Update)/, times: 1_000 })
    await tryAll()
    secret.server.inject(fault, { times: 1_000 })
    await tryAll()
  }
  secret.server.reset()
  await secret.put('CANARY-SECRET no JSON')
  await tryAll()
  expect(errors.length).toBeGreaterThan(15)
  expect(warnings.length).toBeGreaterThan(0)
  expect([...errors.map(allOf), ...warnings].filter((text) => text.includes('CANARY'))).toEqual([])
})

test('once started, the secret is read every 30 seconds', async () => {
  const { secret, keys } = await opened(keyJson('own'))
  const pass = fakeTimer()
  await keys.start()
  expect(secret.count('DescribeSecret')).toBe(1)
  pass(29_999)
  expect(secret.count('DescribeSecret')).toBe(1)
  pass(1)
  await expect.poll(() => secret.count('DescribeSecret')).toBe(2)
})

test('a key that was made while the secret is being read is found', async () => {
  const { secret, keys } = await opened(keyJson('own'))
  const pass = fakeTimer()
  await keys.start()
  let found: Awaitable<ApiKey | undefined>
  // The answer is made, and nobody has it yet.
  secret.server.afterForward = async () => {
    secret.server.afterForward = () => {}
    await secret.put(keyJson('newer'))
    found = keys.verify('newer')
  }
  pass(30_000)
  await expect.poll(() => found).toBeDefined()
  expect(await found).toMatchObject({ id: 'current' })
})

function fakeTimer(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  return (milliseconds) => vi.advanceTimersByTime(milliseconds)
}
