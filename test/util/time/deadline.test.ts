import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startDeadline } from '../../../src/util/time.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('fires when the time is up, with a TimeoutError', () => {
  const { signal } = startDeadline(1_000)
  vi.advanceTimersByTime(999)
  expect(signal.aborted).toBe(false)
  vi.advanceTimersByTime(1)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: 'no answer within 1000 ms' })
})

it('fires with the reason of the outer signal, also if that has fired already', () => {
  const outer = new AbortController()
  const later = startDeadline(1_000, { outer: outer.signal })
  outer.abort('gone')
  expect(later.signal.reason).toBe('gone')
  expect(startDeadline(1_000, { outer: outer.signal }).signal.reason).toBe('gone')
})

it('does not fire once it is cleared', () => {
  const outer = new AbortController()
  const { signal, clear } = startDeadline(1_000, { outer: outer.signal })
  clear()
  vi.advanceTimersByTime(5_000)
  outer.abort()
  expect(signal.aborted).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
})
