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
