import { getEventListeners } from 'node:events'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { raceAbort } from '../../src/domain/abort.ts'

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
