import type { Awaitable } from './awaitable.ts'

/** The limits of spec §5, each per minute and caller; `auth_failures` per address. */
export type LimitName = 'retrieval' | 'batch' | 'analysis' | 'admin' | 'auth_failures'

/** What is left of a caller's allowance. */
export interface RateLimitStatus {
  allowed: boolean
  /** Calls per minute. */
  limit: number
  remaining: number
  /** Seconds until the allowance is full again, or until another call is allowed if it was refused. */
  resetSeconds: number
}

export interface RateLimiter {
  /** Takes `cost` calls from the allowance of `key`, all or none. */
  consume(key: string, limit: LimitName, cost: number): Awaitable<RateLimitStatus>
}
