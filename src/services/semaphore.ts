import { AppError } from '../domain/errors.ts'

const RETRY_SECONDS = 2

/** Limits how many calls of models run at the same time; a bounded number of others wait, first come, first served. */
export interface Semaphore {
  /**
   * Waits for a permit.
   *
   * @returns releases the permit; to be called once.
   * @throws AppError `rate_limited` at once when the queue is full; the signal's reason when it fires before the permit.
   * @example
   * const release = await semaphore.acquire(signal)
   * try {
   *   return await work()
   * } finally {
   *   release()
   * }
   */
  acquire(signal: AbortSignal): Promise<() => void>

  /** How many have a permit, and how many wait for one. */
  load(): { running: number; waiting: number }
}

/**
 * @param maxRunning permits at the same time.
 * @param maxWaiting length of the queue.
 */
export function createSemaphore(maxRunning: number, maxWaiting: number): Semaphore {
  let running = 0
  const waiting = new Set<() => void>()

  function release(): void {
    const [next] = waiting
    if (next) next()
    else running--
  }

  function wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(proceed)
        reject(signal.reason)
      }
      const proceed = () => {
        waiting.delete(proceed)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      waiting.add(proceed)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted()
      if (running < maxRunning) running++
      else if (waiting.size < maxWaiting) await wait(signal)
      else {
        const message = 'Too many calls are waiting for a model.'
        throw new AppError('rate_limited', message, { retryAfter: RETRY_SECONDS })
      }
      return release
    },
    load: () => ({ running, waiting: waiting.size }),
  }
}
