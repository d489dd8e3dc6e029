import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Feed } from '../../../src/adapters/dynamodb/feed.ts'
import { type FollowOptions, followFeed, readAwake } from '../../../src/adapters/dynamodb/follow.ts'
import { AppError } from '../../../src/domain/errors.ts'
import type { StoreEvent } from '../../../src/domain/topic.ts'

const FRESHNESS_MS = 1_000
const LOOK_MS = FRESHNESS_MS / 2
const RECONCILE_MS = 60_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const feedAt = (sequence: number, epoch = 'e'): Feed => ({
  epoch,
  sequence,
  changes: Array.from({ length: Math.min(sequence, 5) }, (_, index) => `t${sequence - index}`).reverse(),
})
const outOfReach = new AppError('unavailable', 'The store cannot be reached or written.')

/** Follows a feed that answers what `state` says. */
async function following({ reconcileMs = RECONCILE_MS }: Partial<FollowOptions> = {}) {
  const state = {
    feed: feedAt(1) as Feed | undefined,
    failure: undefined as Error | undefined,
    /** How long a read of the feed takes. */
    readMs: 0,
    /** What comes of an event. */
    take: async (_: StoreEvent): Promise<void> => {},
  }
  const events: StoreEvent[] = []
  const warnings: string[] = []
  const read = vi.fn(async () => {
    if (state.readMs > 0) await new Promise((resolve) => setTimeout(resolve, state.readMs))
    if (state.failure) throw state.failure
    return state.feed
  })
  const listener = (event: StoreEvent) => {
    events.push(event)
    return state.take(event)
  }
  const warn = (message: string) => void warnings.push(message)
  const feed = { read, publish: async () => true }
  const watch = await followFeed({ feed, freshnessMs: FRESHNESS_MS, reconcileMs, warn, listener })
  onTestFinished(() => watch.close())
  read.mockClear()
  return { state, events, warnings, read, watch }
}

describe('the listener hears', () => {
  it('nothing while nothing changes, of one read every half freshness bound', async () => {
    const { events, read } = await following()
    await pass(10 * LOOK_MS)
    expect(read).toHaveBeenCalledTimes(10)
    expect(events).toEqual([])
  })

  it('of changed topics', async () => {
    const { state, events } = await following()
    state.feed = feedAt(3)
    await pass(LOOK_MS)
    expect(events).toEqual([{ topic_ids: ['t2', 't3'], reachable: true }])
    await pass(LOOK_MS)
    expect(events).toHaveLength(1)
  })

  it('of changed topics again when it could not take them over', async () => {
    const { state, events } = await following()
    state.take = async () => {
      throw outOfReach
    }
    state.feed = feedAt(3)
    await pass(2 * LOOK_MS)
    state.take = async () => {}
    await pass(3 * LOOK_MS)
    expect(events).toEqual(Array(3).fill({ topic_ids: ['t2', 't3'], reachable: true }))
  })

  it('once of an outage with its cause, and of its end', async () => {
    const { state, events } = await following()
    state.failure = outOfReach
    await pass(3 * LOOK_MS)
    expect(events).toEqual([{ topic_ids: [], reachable: false, cause: outOfReach }])
    state.failure = undefined
    await pass(2 * LOOK_MS)
    expect(events.slice(1)).toEqual([{ topic_ids: [], reachable: true }])
  })

  it('at the end of an outage what changed meanwhile', async () => {
    const { state, events } = await following()
    state.failure = outOfReach
    await pass(LOOK_MS)
    state.failure = undefined
    state.feed = feedAt(2)
    await pass(LOOK_MS)
    expect(events.slice(1)).toEqual([{ topic_ids: ['t2'], reachable: true }])
  })

  it('nothing more once the watch is closed', async () => {
    const { state, events, read, watch } = await following()
    await watch.close()
    state.feed = feedAt(2)
    await pass(10_000)
    expect(read).not.toHaveBeenCalled()
    expect(events).toEqual([])
  })
})

describe('everything is compared', () => {
  const reset = { topic_ids: [], reachable: true, reset: true }

  it('when the feed does not tell what has changed', async () => {
    const { state, events } = await following()
    state.feed = feedAt(7, 'another')
    await pass(2 * LOOK_MS)
    expect(events).toEqual([reset])
  })

  it('again five seconds after it failed, with one warning, while changes are told of', async () => {
    const { state, events, warnings } = await following()
    state.take = ({ reset }) => (reset ? Promise.reject(outOfReach) : Promise.resolve())
    state.feed = undefined
    await pass(LOOK_MS)
    state.feed = feedAt(1)
    await pass(LOOK_MS)
    expect(events).toEqual([reset, { topic_ids: ['t1'], reachable: true }])
    await pass(4_000)
    expect(events).toHaveLength(2)
    await pass(LOOK_MS)
    expect(events.slice(2)).toEqual([reset])
    expect(warnings).toEqual(['cannot compare what is known with the table; trying again'])
    state.take = async () => {}
    await pass(20_000)
    expect(events.slice(3)).toEqual([reset])
    expect(warnings).toHaveLength(1)
  })

  it('every `reconcileMs`, without anybody waiting for it', async () => {
    const { state, events, watch } = await following({ reconcileMs: 5_000 })
    let finish = () => {}
    state.take = () =>
      new Promise((resolve) => {
        finish = resolve
      })
    await pass(4_400)
    expect(events).toEqual([])
    await pass(100)
    expect(events).toEqual([reset])
    await pass(10_000)
    expect(events).toEqual([reset])
    expect(watch.catchUp()).toBeUndefined()
    finish()
    await pass(5_000)
    expect(events).toEqual([reset, reset])
  })
})

describe('catching up', () => {
  it('waits for nothing while the last look is fresh', async () => {
    const { watch } = await following()
    await pass(10 * LOOK_MS)
    expect(watch.catchUp()).toBeUndefined()
  })

  it('waits for a look that is late, and for what the listener makes of it', async () => {
    const { state, watch } = await following()
    let isTaken = false
    state.feed = feedAt(2)
    state.take = async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      isTaken = true
    }
    state.readMs = 800
    await pass(LOOK_MS + 700)
    const caughtUp = watch.catchUp()
    expect(caughtUp).toBeDefined()
    state.readMs = 0
    await Promise.all([caughtUp, pass(1_000)])
    expect(isTaken).toBe(true)
  })

  it('looks again when the look that was under way read the feed too long ago', async () => {
    const { state, watch, read } = await following()
    state.readMs = 1_100
    await pass(LOOK_MS + 900)
    const caughtUp = watch.catchUp()
    await pass(100)
    state.readMs = 0
    await Promise.all([caughtUp, pass(1_000)])
    expect(read.mock.calls.length).toBeGreaterThan(1)
    expect(watch.catchUp()).toBeUndefined()
  })

  it('waits for nothing in an outage', async () => {
    const { state, watch } = await following()
    state.failure = outOfReach
    await pass(10_000)
    expect(watch.catchUp()).toBeUndefined()
  })
})

describe('a read of the feed', () => {
  /** Reads that fail after so many milliseconds, one after the other; the next one succeeds. */
  function failing(...delays: number[]) {
    const read = vi.fn(async () => {
      const ms = delays.shift()
      if (ms === undefined) return feedAt(1)
      await new Promise((resolve) => setTimeout(resolve, ms))
      throw outOfReach
    })
    return { read }
  }

  it('that fails in time is an outage', async () => {
    const feed = failing(1_000)
    const outcome = expect(readAwake(feed, 1_000)).rejects.toBe(outOfReach)
    await pass(1_000)
    await outcome
    expect(feed.read).toHaveBeenCalledTimes(1)
  })

  it('that fails long after its time was up is repeated: the process slept', async () => {
    const feed = failing(60_000)
    const startedAt = performance.now()
    const outcome = readAwake(feed, 1_000)
    await pass(60_000)
    expect(await outcome).toEqual({ position: feedAt(1), startedAt: startedAt + 60_000 })
    expect(feed.read).toHaveBeenCalledTimes(2)
  })

  it('that fails again after a sleep is an outage', async () => {
    const feed = failing(60_000, 10)
    const outcome = expect(readAwake(feed, 1_000)).rejects.toBe(outOfReach)
    await pass(61_000)
    await outcome
    expect(feed.read).toHaveBeenCalledTimes(2)
  })
})
