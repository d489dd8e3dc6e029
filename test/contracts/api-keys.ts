import { expect, it } from 'vitest'
import type { ApiKeys } from '../../src/domain/api-keys.ts'
import type { Clock } from '../../src/util/time.ts'
import { failureOf } from '../helpers/errors.ts'

/** The keys of stage `test`, as two processes see them. */
export interface TwoSides {
  keys: ApiKeys
  others: ApiKeys
  /** Lets the time pass after which the other process must know of an edit. */
  settle(): Promise<void>
}

/** The time of a test, in milliseconds. */
export interface SetTime {
  now: number
}

/** What every store of API keys promises. `open` returns one without keys that were created, which goes by the clock. */
export function apiKeysContract(open: (clock: Clock, time: SetTime) => Promise<TwoSides>): void {
  async function opened() {
    const time = { now: Date.parse('2026-01-01T00:00:00Z') }
    return { time, ...(await open(() => new Date(time.now), time)) }
  }
  const namesIn = async (keys: ApiKeys) => (await keys.list()).map(({ name }) => name)

  it('verifies a created key by its record, here at once and soon in another process', async () => {
    const { keys, others, settle } = await opened()
    // Both have looked before.
    expect([await keys.verify('nothing'), await others.verify('nothing')]).toEqual([undefined, undefined])
    const { key, record } = await keys.create('reporting')
    expect(key).toMatch(/^ppath_svc_test_[0-9a-f]{48}$/)
    expect(record).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      name: 'reporting',
      prefix: key.slice(0, 'ppath_svc_test_'.length + 6),
      created_at: '2026-01-01T00:00:00.000Z',
    })
    expect(await keys.verify(key)).toEqual(record)
    expect(await keys.list()).toContainEqual(record)
    await settle()
    expect(await others.verify(key)).toEqual(record)
  })

  it('answers the same record until keys change', async () => {
    const { keys } = await opened()
    const { key } = await keys.create('reporting')
    const record = await keys.verify(key)
    expect(record).toBeDefined()
    expect(await keys.verify(key)).toBe(record)
  })

  it('takes nothing but the whole key', async () => {
    const { keys } = await opened()
    const { key, record } = await keys.create('reporting')
    const part = key.slice(0, -1)
    for (const wrong of ['', part, `${key}0`, ` ${key}`, key.toUpperCase(), record.prefix, record.id]) {
      expect({ wrong, found: await keys.verify(wrong) }).toEqual({ wrong, found: undefined })
    }
  })

  it('tells no key, neither in a record nor in the list', async () => {
    const { keys } = await opened()
    const { key, record } = await keys.create('reporting')
    const told = JSON.stringify([record, await keys.list(), await keys.verify(key)])
    expect(told).not.toContain(key.slice(record.prefix.length))
  })

  it('ends a key when it expires', async () => {
    const { keys, time } = await opened()
    const { key, record } = await keys.create('short', new Date('2026-01-01T00:00:20Z'))
    expect(record.expires_at).toBe('2026-01-01T00:00:20.000Z')
    time.now += 19_999
    expect(await keys.verify(key)).toEqual(record)
    time.now += 1
    expect(await keys.verify(key)).toBeUndefined()
  })

  it('ends a revoked key here at once and soon elsewhere; others stay', async () => {
    const { keys, others, settle, time } = await opened()
    const [gone, kept] = [await keys.create('gone'), await keys.create('kept')]
    await settle()
    expect(await others.verify(gone.key)).toEqual(gone.record)
    const revoked_at = new Date(time.now).toISOString()
    expect(await keys.revoke(gone.record.id)).toEqual({ ...gone.record, revoked_at })
    expect(await keys.verify(gone.key)).toBeUndefined()
    await settle()
    expect(await others.verify(gone.key)).toBeUndefined()
    expect(await others.verify(kept.key)).toEqual(kept.record)
  })

  it('takes a name for the one key that is not revoked yet', async () => {
    const { keys } = await opened()
    const [first, second] = [await keys.create('twin'), await keys.create('twin')]
    expect((await failureOf(() => keys.revoke('twin'))).code).toBe('conflict')
    expect(await keys.verify(first.key)).toBeDefined()
    await keys.revoke(first.record.id)
    expect((await keys.revoke('twin')).id).toBe(second.record.id)
    expect((await failureOf(() => keys.revoke('twin'))).code).toBe('not_found')
    expect((await failureOf(() => keys.revoke('nobody'))).code).toBe('not_found')
  })

  it('keeps all keys that two processes create at the same time', async () => {
    const { keys, others, settle } = await opened()
    const before = await namesIn(keys)
    const names = Array.from({ length: 12 }, (_, number) => `k${number}`)
    const made = await Promise.all(names.map((name, index) => (index % 2 ? keys : others).create(name)))
    await settle()
    expect((await namesIn(keys)).sort()).toEqual([...before, ...names].sort())
    for (const { key, record } of made) expect(await others.verify(key)).toEqual(record)
  })
}
