import { getEventListeners } from 'node:events'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { raceAbort, sleep } from '../../../src/util/time.ts'

const REASON = new Error('the caller went away')
const never = new Promise<never>(() => {})

it('gives what the work gives, and leaves no listener behind', async () => {
  const { signal } = new AbortController()
  expect(await raceAbort(Promise.resolve(7), signal)).toBe(7)
  await expect(raceAbort(Promise.reject(new RangeError()), signal)).rejects.toThrow(RangeError)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('ends with the reason of the signal, whatever the work waits for', async () => {
  const controller = new AbortController()
  const raced = raceAbort(never, controller.signal)
  controller.abort(REASON)
  await expect(raced).rejects.toBe(REASON)
  await expect(raceAbort(never, controller.signal)).rejects.toBe(REASON)
})

it('prefers a signal that has fired already', async () => {
  await expect(raceAbort(Promise.resolve(7), AbortSignal.abort(REASON))).rejects.toBe(REASON)
})

it('overlooks a failure of the work after the abort', async () => {
  let fail: (error: Error) => void = () => {}
  const work = new Promise<never>((_, reject) => {
    fail = reject
  })
  await expect(raceAbort(work, AbortSignal.abort(REASON))).rejects.toBe(REASON)
  fail(new Error('too late'))
  await turnOfTheLoop()
})

describe('sleep', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('takes its time', async () => {
    const woken = vi.fn()
    const slept = sleep(1_000, new AbortController().signal).then(woken)
    await vi.advanceTimersByTimeAsync(999)
    expect(woken).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await slept
    expect(woken).toHaveBeenCalledOnce()
  })

  it('ends with the reason of the signal, and leaves no timer behind', async () => {
    const controller = new AbortController()
    const slept = sleep(1_000, controller.signal)
    controller.abort(REASON)
    await expect(slept).rejects.toBe(REASON)
    expect(vi.getTimerCount()).toBe(0)
  })
})
