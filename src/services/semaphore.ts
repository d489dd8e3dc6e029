import { AppError } from '../domain/errors.ts'

const RETRY_SECONDS = 2

/** A number of turns at the same time, and a queue of bounded length for more. */
export interface Semaphore {
  /**
   * Waits for a turn.
   *
   * @returns gives it back.
   * @throws AppError `rate_limited` at once when the queue is full; the signal's reason when it fires before the turn.
   */
  acquire(signal: AbortSignal): Promise<() => void>
}

export function createSemaphore(mostRunning: number, mostWaiting: number): Semaphore {
  let running = 0
  const waiting = new Set<() => void>()

  function giveBack(): void {
    const [next] = waiting
    if (next) next()
    else running--
  }

  function wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(begin)
        reject(signal.reason)
      }
      const begin = () => {
        waiting.delete(begin)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      waiting.add(begin)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted()
      if (running < mostRunning) running++
      else if (waiting.size < mostWaiting) await wait(signal)
      else {
        const message = 'Too many calls are waiting for a model.'
        throw new AppError('rate_limited', message, { retryAfter: RETRY_SECONDS })
      }
      return giveBack
    },
  }
}
