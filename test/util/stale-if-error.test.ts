import { expect, test } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import { type StaleIfErrorOptions, staleIfError } from '../../src/util/stale-if-error.ts'

/** A source that tests change, hold back and break, and the value kept of it, by a clock that tests set. */
function open(options: Partial<StaleIfErrorOptions<string>> = {}) {
  const time = { now: Date.parse('2026-01-01T00:00:00Z') }
  const source = { value: 'one', error: undefined as Error | undefined, loads: 0 }
  const warnings: string[] = []
  let held: Promise<void> | undefined
  const value = staleIfError<string>({
    async load() {
      source.loads++
      // What the source says at the beginning of a load is what it answers.
      const { value, error } = source
      await held
      if (error) throw error
      return value
    },
    source: 'the source',
    maxAgeMs: 1_000,
    retryMs: 100,
    staleIfErrorMs: 10_000,
    clock: () => new Date(time.now),
    warn: (message, cause) => void warnings.push(cause ? `${message}: ${(cause as Error).message}` : message),
    unavailable: (cause) => new AppError('unavailable', 'Not now.', { cause }),
    ...options,
  })
  /** Lets loads hang until the returned function is called. */
  const hold = () => {
    let release = () => {}
    held = new Promise((resolve) => {
      release = () => {
        held = undefined
        resolve()
      }
    })
    return release
  }
  const codeOf = async () => value.current().catch((error: AppError) => error.code)
  return { time, source, warnings, value, hold, codeOf }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a value is loaded once for many callers, and again when it is too old', async () => {
  const { time, source, value } = open()
  expect(value.isLoaded()).toBe(false)
  expect(await Promise.all([value.current(), value.current(), value.current()])).toEqual([
    'one',
    'one',
    'one',
  ])
  expect(value.isLoaded()).toBe(true)
  source.value = 'two'
  time.now += 999
  expect(await value.current()).toBe('one')
  time.now += 1
  expect(await value.current()).toBe('two')
  expect(source.loads).toBe(2)
})

test('undefined is a value, too', async () => {
  const { value, source } = open({ load: async () => undefined as unknown as string })
  expect(await value.current()).toBeUndefined()
  expect(value.isLoaded()).toBe(true)
  expect(source.loads).toBe(0)
})

test('a caller that also loads by a timer gives it time', async () => {
  const { time, source, value } = open()
  await value.current()
  time.now += 1_499
  await value.current(500)
  expect(source.loads).toBe(1)
  time.now += 1
  await value.current(500)
  expect(source.loads).toBe(2)
})

test('the last value outlives an outage for its time, and one warning tells of its begin and of its end', async () => {
  const { time, source, warnings, value, codeOf } = open()
  await value.current()
  source.error = new Error('gone')
  for (let passed = 0; passed < 10_000; passed += 1_000) {
    time.now += 1_000
    expect(await value.current()).toBe('one')
  }
  time.now += 999
  expect(await value.current()).toBe('one')
  time.now += 1
  expect(await codeOf()).toBe('unavailable')
  expect(value.outage()).toMatchObject({ code: 'unavailable', cause: source.error })
  expect(warnings).toEqual(['cannot read the source; what was read last stays valid for now: gone'])

  Object.assign(source, { error: undefined, value: 'two' })
  time.now += 100
  expect(await value.current()).toBe('two')
  expect(value.outage()).toBeUndefined()
  expect(warnings.slice(1)).toEqual(['the source can be read again'])
  time.now += 1_000
  await value.current()
  expect(warnings).toHaveLength(2)
})

test('every outage has its own warnings', async () => {
  const { source, warnings, value } = open()
  for (const error of [undefined, new Error('first'), undefined, new Error('second')]) {
    source.error = error
    await value.reload()
  }
  expect(warnings.map((text) => text.replace(/;.*:/, ':'))).toEqual([
    'cannot read the source: first',
    'the source can be read again',
    'cannot read the source: second',
  ])
})

test('in an outage the source is tried again at intervals, and nobody waits for it but the first caller', async () => {
  const { time, source, value, hold } = open()
  await value.current()
  source.error = new Error('slow')
  time.now += 1_000
  const release = hold()
  const first = value.current()
  let isDone = false
  void first.then(() => {
    isDone = true
  })
  await settled()
  expect(isDone).toBe(false)
  release()
  expect(await first).toBe('one')

  time.now += 99
  await value.current()
  expect(source.loads).toBe(2)
  time.now += 1
  const releaseNext = hold()
  expect(await Promise.all([value.current(), value.current()])).toEqual(['one', 'one'])
  expect(source.loads).toBe(3)
  releaseNext()
})

test('without any value every caller waits, and the source is spared', async () => {
  const { time, source, value, codeOf } = open()
  source.error = new Error('gone')
  expect(await Promise.all([codeOf(), codeOf()])).toEqual(['unavailable', 'unavailable'])
  expect(await codeOf()).toBe('unavailable')
  expect(source.loads).toBe(1)
  source.error = undefined
  time.now += 100
  expect(await value.current()).toBe('one')
})

test('in the background: an old value is served while it is loaded, and waited for when it is too old to be used', async () => {
  const { time, source, value } = open({ reloadInBackground: true })
  await value.current()
  source.value = 'two'
  time.now += 1_000
  expect(await value.current()).toBe('one')
  await settled()
  expect(await value.current()).toBe('two')
  source.value = 'three'
  time.now += 11_000
  expect(await value.current()).toBe('three')
})

test('a reload after a change begins after the change', async () => {
  const { source, value, hold } = open()
  const release = hold()
  const before = value.reload()
  source.value = 'two'
  const after = value.reloadAfterChange()
  release()
  await Promise.all([before, after])
  expect(await value.current()).toBe('two')
  expect(source.loads).toBe(2)
})

test('a retry shares the load under way, and keeps its distance from the last one', async () => {
  const { time, source, value, hold } = open()
  const release = hold()
  const loads = [value.retry(), value.retry(), value.reload()]
  release()
  await Promise.all(loads)
  expect(source.loads).toBe(1)
  time.now += 99
  await value.retry()
  expect(source.loads).toBe(1)
  time.now += 1
  await value.retry()
  expect(source.loads).toBe(2)
})

test('a clock that is set back keeps no value young for ever', async () => {
  const { time, source, value } = open()
  await value.current()
  source.value = 'two'
  time.now -= 3_600_000
  expect(await value.current()).toBe('two')
})
