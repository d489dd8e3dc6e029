import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createSemaphore } from '../../src/services/semaphore.ts'
import { failureOf } from '../helpers/errors.ts'

const { signal } = new AbortController()

/** Whether a promise has been fulfilled by now. */
async function isFulfilled(promise: Promise<unknown>): Promise<boolean> {
  let fulfilled = false
  promise.then(
    () => {
      fulfilled = true
    },
    () => {},
  )
  await new Promise((resolve) => setImmediate(resolve))
  return fulfilled
}

describe('a semaphore', () => {
  it('gives as many permits as it has, and another when one is released', async () => {
    const semaphore = createSemaphore(2, 5)
    const release = await semaphore.acquire(signal)
    await semaphore.acquire(signal)
    const third = semaphore.acquire(signal)
    expect(await isFulfilled(third)).toBe(false)
    release()
    expect(await isFulfilled(third)).toBe(true)
  })

  it('serves those that wait in the order in which they came', async () => {
    const semaphore = createSemaphore(1, 5)
    const order: number[] = []
    const release = await semaphore.acquire(signal)
    const waiting = [1, 2, 3].map(async (nth) => {
      const releaseNth = await semaphore.acquire(signal)
      order.push(nth)
      releaseNth()
    })
    release()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
  })

  it('refuses at once what no place is left for in the queue', async () => {
    const semaphore = createSemaphore(1, 1)
    const release = await semaphore.acquire(signal)
    const waiting = semaphore.acquire(signal)
    expect(await failureOf(() => semaphore.acquire(signal))).toMatchObject({
      code: 'rate_limited',
      retryAfter: 2,
    })
    release()
    const releaseSecond = await waiting
    releaseSecond()
    expect(await isFulfilled(semaphore.acquire(signal))).toBe(true)
  })

  it('refuses everything beyond its permits when it has no queue', async () => {
    const semaphore = createSemaphore(1, 0)
    const release = await semaphore.acquire(signal)
    expect((await failureOf(() => semaphore.acquire(signal))).code).toBe('rate_limited')
    release()
    expect(await isFulfilled(semaphore.acquire(signal))).toBe(true)
  })

  it('lets go of one that leaves the queue, whose place is free again', async () => {
    const semaphore = createSemaphore(1, 1)
    const release = await semaphore.acquire(signal)
    const leaving = new AbortController()
    const left = semaphore.acquire(leaving.signal)
    leaving.abort('gone')
    await expect(left).rejects.toBe('gone')
    const next = semaphore.acquire(signal)
    release()
    expect(await isFulfilled(next)).toBe(true)
  })

  it('gives no permit to one that has left already, and loses none', async () => {
    const semaphore = createSemaphore(1, 1)
    await expect(semaphore.acquire(AbortSignal.abort('gone'))).rejects.toBe('gone')
    expect(await isFulfilled(semaphore.acquire(signal))).toBe(true)
  })

  it('leaves no listener behind', async () => {
    const semaphore = createSemaphore(1, 1)
    const release = await semaphore.acquire(signal)
    const waiting = semaphore.acquire(signal)
    release()
    await waiting
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
