/** The time, as a dependency, so that tests can set it. */
export type Clock = () => Date

export const systemClock: Clock = () => new Date()

/** How long to wait between attempts. */
export interface BackoffOptions {
  /** Milliseconds before the second attempt; doubled before each later one. */
  firstMs: number
  /** Longest wait in milliseconds. */
  mostMs: number
  /** Part of the wait that is random, from 0 (default) to 1, so that many callers do not return at once. */
  jitter?: number
}

/**
 * Exponential backoff.
 *
 * @param failures how many attempts in a row have failed, at least 1.
 * @returns milliseconds to wait before the next attempt.
 * @example backoffMs({ firstMs: 200, mostMs: 5_000 }, 3) // 800
 */
export function backoffMs({ firstMs, mostMs, jitter = 0 }: BackoffOptions, failures: number): number {
  const pause = Math.min(mostMs, firstMs * 2 ** (failures - 1))
  return pause * (1 - jitter * Math.random())
}

/** A signal that fires when a time is up. */
export interface Deadline {
  signal: AbortSignal
  /** Milliseconds left; negative when the time is up. */
  remainingMs(): number
  /** Aborts now, with `reason`. Aborting twice keeps the first reason. */
  abort(reason: unknown): void
  /** Stops the clock; to be called when the work has ended. */
  clear(): void
}

/**
 * A deadline of `ms` milliseconds that also ends when `outer` does.
 *
 * Not `AbortSignal.any` with `AbortSignal.timeout`: Node.js 20 may collect combined signals before they fire.
 *
 * @param onTimeout the reason to abort with when the time is up; default a `TimeoutError`.
 * @example
 * const deadline = startDeadline(5_000)
 * try {
 *   return await fetch(url, { signal: deadline.signal })
 * } finally {
 *   deadline.clear()
 * }
 */
export function startDeadline(
  ms: number,
  {
    outer,
    onTimeout = () => new DOMException(`no answer within ${ms} ms`, 'TimeoutError'),
  }: { outer?: AbortSignal | undefined; onTimeout?: () => unknown } = {},
): Deadline {
  const controller = new AbortController()
  const endsAt = performance.now() + ms
  const timer = setTimeout(() => controller.abort(onTimeout()), ms)
  const onOuterAbort = () => controller.abort(outer?.reason)
  outer?.addEventListener('abort', onOuterAbort, { once: true })
  if (outer?.aborted) onOuterAbort()
  return {
    signal: controller.signal,
    remainingMs: () => endsAt - performance.now(),
    abort: (reason) => controller.abort(reason),
    clear() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onOuterAbort)
    },
  }
}

/**
 * Waits for `work`, but not longer than until `signal` fires.
 *
 * What ignores the signal goes on unobserved: neither its result nor its error reaches anyone.
 *
 * @throws the signal's reason, at once; what `work` rejects with.
 * @example await raceAbort(client.send(command), signal) // also while the client looks for credentials
 */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Waits for `work`, but not longer than `ms` milliseconds. Work that takes longer goes on.
 *
 * @throws what `work` rejects with in time.
 */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, timeUp])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Waits, for tests with fake timers too, which do not see those of `node:timers/promises`.
 *
 * @throws the signal's reason as soon as it fires.
 */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await raceAbort(timeout, signal)
  } finally {
    clearTimeout(timer)
  }
}
