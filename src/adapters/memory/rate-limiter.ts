import { LRUCache } from 'lru-cache'
import type { Clock } from '../../domain/clock.ts'
import type { LimitName, RateLimiter } from '../../domain/rate-limiter.ts'

const MINUTE_MS = 60_000
/** Callers remembered at the same time; the least active one starts anew. */
const MAX_CALLERS = 10_000

interface Bucket {
  tokens: number
  filledAt: number
}

/**
 * A token bucket for each caller and limit, in this process: holds `perMinute[limit]` calls, refills evenly over
 * a minute. A caller that was quiet may spend a minute's calls at once.
 */
export function memoryRateLimiter(perMinute: Readonly<Record<LimitName, number>>, clock: Clock): RateLimiter {
  const callers = new LRUCache<string, Partial<Record<LimitName, Bucket>>>({ max: MAX_CALLERS })

  function bucketsOf(key: string): Partial<Record<LimitName, Bucket>> {
    const known = callers.get(key)
    if (known) return known
    const buckets = {}
    callers.set(key, buckets)
    return buckets
  }

  return {
    consume(key, limit, cost) {
      const capacity = perMinute[limit]
      const now = clock().getTime()
      const buckets = bucketsOf(key)
      buckets[limit] ??= { tokens: capacity, filledAt: now }
      const bucket = buckets[limit]
      bucket.tokens = Math.min(
        capacity,
        bucket.tokens + (Math.max(0, now - bucket.filledAt) / MINUTE_MS) * capacity,
      )
      bucket.filledAt = now
      const allowed = bucket.tokens >= cost
      if (allowed) bucket.tokens -= cost
      const missing = allowed ? capacity - bucket.tokens : Math.min(cost, capacity) - bucket.tokens
      return {
        allowed,
        limit: capacity,
        remaining: Math.floor(bucket.tokens),
        resetSeconds: Math.ceil((missing / capacity) * 60),
      }
    },
  }
}
