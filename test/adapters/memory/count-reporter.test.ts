import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { windowRateLimiter } from '../../../src/adapters/memory/rate-limiter.ts'
import { AppError } from '../../../src/domain/errors.ts'
import type { RateLimitWindow, SharedCounts } from '../../../src/domain/rate-limiter.ts'
import { LIMITS, setClock } from '../../contracts/rate-limiter.ts'

/** A twentieth of `retrieval`. */
const SHARE = 50
const MINUTE = 29453760

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A limiter whose shared counts answer when the test says so. */
function opened() {
  const { clock, pass } = setClock()
  const reports: { window: RateLimitWindow; reporter: string; calls: number; answer(total: number): void }[] =
    []
  const state = { isOut: false, fails: false }
  const counts: SharedCounts = {
    report({ limit, key, minute }, reporter, calls) {
      if (state.fails) return Promise.reject(new AppError('unavailable', 'out of reach'))
      return new Promise((answer) =>
        reports.push({ window: { limit, key, minute }, reporter, calls, answer }),
      )
    },
    spend: async () => ({ allowed: true, total: 1 }),
    isOutOfReach: () => state.isOut,
  }
  const limiter = windowRateLimiter({ perMinute: { ...LIMITS, retrieval: 1000 }, clock, counts })
  const consume = (cost: number, key = 'a') => limiter.consume(key, 'retrieval', cost)
  const answer = async (total: number, index = -1) => {
    reports.at(index)?.answer(total)
    await vi.advanceTimersByTimeAsync(0)
  }
  return { limiter, consume, reports, answer, state, pass, calls: () => reports.map(({ calls }) => calls) }
}

describe('a count is reported', () => {
  it('when a twentieth of the limit is unreported', () => {
    const { consume, reports } = opened()
    for (let call = 1; call < SHARE; call++) consume(1)
    expect(reports).toEqual([])
    consume(1)
    const window = { limit: 'retrieval', key: 'a', minute: MINUTE }
    expect(reports).toMatchObject([{ window, calls: SHARE }])
  })

  it('within a second otherwise', async () => {
    const { consume, calls } = opened()
    consume(3)
    await vi.advanceTimersByTimeAsync(900)
    consume(1)
    expect(calls()).toEqual([])
    await vi.advanceTimersByTimeAsync(100)
    expect(calls()).toEqual([4])
  })

  it('once at a time, as a sum, under one name', async () => {
    const { consume, calls, reports, answer } = opened()
    consume(SHARE)
    consume(SHARE)
    consume(SHARE)
    expect(calls()).toEqual([SHARE])
    await answer(SHARE)
    expect(calls()).toEqual([SHARE, 3 * SHARE])
    expect(new Set(reports.map(({ reporter }) => reporter)).size).toBe(1)
  })

  it('not when it is refused', async () => {
    const { consume, calls, answer } = opened()
    consume(1000)
    await answer(1000)
    expect(consume(1)).toMatchObject({ allowed: false })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(calls()).toEqual([1000])
  })

  it('not when its minute is over', async () => {
    const { consume, calls, pass } = opened()
    consume(3)
    pass(60)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(calls()).toEqual([])
  })
})

it('the answer says what others have let through', async () => {
  const { consume, answer } = opened()
  consume(SHARE)
  consume(1)
  await answer(900)
  expect(consume(1)).toMatchObject({ allowed: true, remaining: 1000 - 900 - 2 })
  expect(consume(99)).toMatchObject({ allowed: false, remaining: 98 })
})

it('a failed report is repeated a second later, not with every call', async () => {
  const { consume, calls, state } = opened()
  state.fails = true
  consume(SHARE)
  await vi.advanceTimersByTimeAsync(0)
  state.fails = false
  consume(SHARE)
  expect(calls()).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(calls()).toEqual([2 * SHARE])
})

it('nothing is reported while the shared counts are out of reach', async () => {
  const { consume, calls, state } = opened()
  state.isOut = true
  consume(SHARE)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(calls()).toEqual([])
  state.isOut = false
  await vi.advanceTimersByTimeAsync(1_000)
  expect(calls()).toEqual([SHARE])
})

it('at most 32 reports are under way', async () => {
  const { consume, calls, answer } = opened()
  for (let caller = 0; caller < 40; caller++) consume(SHARE, `c${caller}`)
  expect(calls()).toHaveLength(32)
  await answer(SHARE)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(calls()).toHaveLength(33)
})

it('closing reports what is unreported, also behind a report that is under way', async () => {
  const { limiter, consume, calls, answer } = opened()
  consume(SHARE)
  consume(1)
  consume(2, 'b')
  const closed = limiter.close()
  await answer(SHARE, 0)
  expect(calls()).toEqual([SHARE, 2, SHARE + 1])
  await answer(2, 1)
  await answer(SHARE + 1, 2)
  await closed
})
