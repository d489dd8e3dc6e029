import type { Awaitable } from '../util/awaitable.ts'

/** Limits in calls per minute, each counted for a caller; `auth_failures` for an address. */
export type LimitName = 'retrieval' | 'batch' | 'analysis' | 'admin' | 'auth_failures'

/** What is left of a limit. */
export interface RateLimitStatus {
  allowed: boolean
  /** Calls per minute. */
  limit: number
  /** Calls left in this minute. */
  remaining: number
  /** Seconds until the minute ends, which allows all calls again; after a refusal, when to try again. */
  resetSeconds: number
}

/**
 * Limits calls in windows of one minute by the clock.
 *
 * @example
 * const { allowed, resetSeconds } = await limiter.consume('key:reporting', 'retrieval', 1)
 * if (!allowed) throw new AppError('rate_limited', 'Too many calls.', { retryAfter: resetSeconds })
 */
export interface RateLimiter {
  /**
   * Counts `cost` calls of `key`, all or none. Refused calls are not counted. Never fails: a limiter that cannot reach
   * what it shares with others decides by itself.
   */
  consume(key: string, limit: LimitName, cost: number): Awaitable<RateLimitStatus>
}

export interface ClosableRateLimiter extends RateLimiter {
  /** Reports to other instances what was counted here. Takes a few seconds at most; never fails. */
  close(): Promise<void>
}

/** One minute of a key's calls. */
export interface RateLimitWindow {
  limit: LimitName
  key: string
  /** Minutes since 1970. */
  minute: number
}

/** Counts that all instances share. */
export interface SharedCounts {
  /**
   * Reports how many calls `reporter` has let through so far. Repeating a report changes nothing, so that an attempt
   * whose answer got lost is not counted twice.
   *
   * @returns how many calls all reporters have let through.
   * @throws AppError `unavailable`
   */
  report(window: RateLimitWindow, reporter: string, calls: number): Promise<number>

  /**
   * Counts `cost` calls unless there would be more than `most`. Exact for all instances together; an attempt whose
   * answer got lost may count twice.
   *
   * @returns how many are counted now.
   * @throws AppError `unavailable`
   */
  spend(window: RateLimitWindow, cost: number, most: number): Promise<{ allowed: boolean; total: number }>

  /** Whether a call has just failed, so that another one is not yet worth an attempt. */
  isOutOfReach(): boolean
}
