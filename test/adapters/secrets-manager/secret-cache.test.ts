import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Labels, SecretCalls } from '../../../src/adapters/secrets-manager/secret.ts'
import { secretCache, secretReader } from '../../../src/adapters/secrets-manager/secret-cache.ts'
import { AppError } from '../../../src/domain/errors.ts'
import { failureOf } from '../../helpers/errors.ts'

/** A secret in memory: its labels and texts, and how often each was read. */
function fakeSecret() {
  const secret = {
    labels: { v1: ['AWSCURRENT'] } as Labels | undefined,
    texts: new Map([['v1', 'one']]),
    failure: undefined as Error | undefined,
    described: 0,
    fetched: [] as string[],
  }
  const unused = () => Promise.reject(new Error('a cache only reads'))
  const calls: SecretCalls = {
    resource: 'secret test',
    setting: 'PROMPTS_TEST',
    async describe() {
      secret.described++
      if (secret.failure) throw secret.failure
      return secret.labels && { labels: secret.labels, rotates: undefined }
    },
    async text(id) {
      secret.fetched.push(id)
      return secret.texts.get(id)
    },
    put: unused,
    move: unused,
  }
  /** Makes `text` the current value. */
  const put = (id: string, text: string) => {
    secret.texts.set(id, text)
    secret.labels = { [id]: ['AWSCURRENT'] }
  }
  return { secret, calls, put }
}

/** A cache of the texts of a secret, by fake timers and their clock. */
function open() {
  const fake = fakeSecret()
  const warnings: string[] = []
  const interpret = vi.fn((texts?: ReadonlyMap<string, string>) => ({
    text: [...(texts?.values() ?? [])].join(),
  }))
  const cache = secretCache({
    calls: fake.calls,
    read: secretReader(fake.calls, (labels) => Object.keys(labels)),
    interpret: (versions) => interpret(versions?.texts),
    withoutSecret: 'nothing works',
    clock: () => new Date(),
    outages: { staleIfErrorMs: 600_000, warn: (message) => void warnings.push(message) },
  })
  return { ...fake, warnings, interpret, cache }
}

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

test('a value is interpreted when the secret changes, and is the same object until then', async () => {
  const { secret, cache, interpret, put } = open()
  const first = await cache.current()
  expect(first).toEqual({ text: 'one' })
  await vi.advanceTimersByTimeAsync(29_999)
  expect(await cache.current()).toBe(first)
  expect(secret.described).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(await cache.current()).toBe(first)
  expect({ described: secret.described, interpreted: interpret.mock.calls.length }).toEqual({
    described: 2,
    interpreted: 1,
  })
  put('v2', 'two')
  await vi.advanceTimersByTimeAsync(30_000)
  expect(await cache.current()).toEqual({ text: 'two' })
})

test('texts are fetched once, and again only while a version has none', async () => {
  const { secret, cache } = open()
  secret.labels = { v1: ['AWSCURRENT'], v2: ['AWSPENDING'] }
  await cache.current()
  await cache.reloadAfterChange()
  expect(secret.fetched.sort()).toEqual(['v1', 'v2', 'v2'])
  secret.texts.set('v2', 'two')
  await cache.reloadAfterChange()
  await cache.reloadAfterChange()
  expect(secret.fetched.sort()).toEqual(['v1', 'v2', 'v2', 'v2'])
  expect(await cache.current()).toEqual({ text: 'one,two' })
})

test('once started it reads by a timer, and requests only when the timer is late', async () => {
  const { secret, cache, put } = open()
  await cache.start()
  expect({ described: secret.described, isLoaded: cache.isLoaded() }).toEqual({
    described: 1,
    isLoaded: true,
  })
  put('v2', 'two')
  await vi.advanceTimersByTimeAsync(30_000)
  expect(secret.described).toBe(2)
  expect(await cache.current()).toEqual({ text: 'two' })
  // Frozen between requests: the clock goes on, and no timer fires.
  vi.setSystemTime(Date.now() + 34_999)
  await cache.current()
  expect(secret.described).toBe(2)
  vi.setSystemTime(Date.now() + 1)
  await cache.current()
  expect(secret.described).toBe(3)
})

test('started in an outage it tries every 5 seconds until it has a value', async () => {
  const { secret, cache, warnings } = open()
  secret.failure = new AppError('unavailable', 'Not now.', { operatorMessage: 'no rights' })
  await cache.start()
  expect(cache.isLoaded()).toBe(false)
  expect(await failureOf(() => cache.current())).toMatchObject({
    code: 'unavailable',
    retryAfter: 5,
    operatorMessage: 'no rights',
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(secret.described).toBe(3)
  secret.failure = undefined
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await cache.current()).toEqual({ text: 'one' })
  expect(cache.outage()).toBeUndefined()
  expect(warnings).toEqual([
    'cannot read secret test; what was read last stays valid for now',
    'secret test can be read again',
  ])
  await vi.advanceTimersByTimeAsync(14_999)
  expect(secret.described).toBe(4)
})

test('many that want it fresh cause one reading in 5 seconds', async () => {
  const { secret, cache, put } = open()
  await cache.current()
  const refreshAll = () => Promise.all([cache.refresh(), cache.refresh(), cache.refresh()])
  await refreshAll()
  expect(secret.described).toBe(2)
  put('v2', 'two')
  await vi.advanceTimersByTimeAsync(4_999)
  await refreshAll()
  expect(await cache.current()).toEqual({ text: 'one' })
  await vi.advanceTimersByTimeAsync(1)
  await refreshAll()
  expect(secret.described).toBe(3)
  expect(await cache.current()).toEqual({ text: 'two' })
})

test('what cannot be interpreted is an outage, and is tried again', async () => {
  const { cache, interpret, put, warnings } = open()
  const first = await cache.current()
  put('v2', 'broken')
  interpret.mockImplementationOnce(() => {
    throw new AppError('unavailable', 'The secret is invalid.')
  })
  await cache.reloadAfterChange()
  expect(await cache.current()).toBe(first)
  expect(cache.outage()).toBeDefined()
  await cache.reloadAfterChange()
  expect(await cache.current()).toEqual({ text: 'broken' })
  expect(warnings).toHaveLength(2)
})

test('a missing secret is a value, and one warning says how to create it', async () => {
  const { secret, cache, warnings } = open()
  secret.labels = undefined
  expect(await cache.current()).toEqual({ text: '' })
  await cache.reloadAfterChange()
  expect(warnings).toEqual([
    'secret test does not exist: nothing works. Create it with "purposepath-prompts provision", or check PROMPTS_TEST, STAGE and AWS_REGION.',
  ])
})
