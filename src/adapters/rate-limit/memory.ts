import { LRUCache } from 'lru-cache'
import type { Clock } from '../../domain/clock.ts'
import type { LimitName, RateLimiter } from '../../domain/rate-limiter.ts'

const MINUTE_MS = 60_000
/** Callers remembered at the same time; the least active one starts anew. */
const MAX_BUCKETS = 10_000

interface Bucket {
  tokens: number
  filledAt: number
}

/**
 * A token bucket for each caller and limit, in this process: holds `perMinute[limit]` calls, refills evenly over
 * a minute. A caller that was quiet may spend a minute's calls at once.
 */
export function memoryRateLimiter(perMinute: Readonly<Record<LimitName, number>>, clock: Clock): RateLimiter {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_BUCKETS })

  function newBucket(name: string, capacity: number, now: number): Bucket {
    const bucket = { tokens: capacity, filledAt: now }
    buckets.set(name, bucket)
    return bucket
  }

  return {
    async take(key, limit, cost) {
      const capacity = perMinute[limit]
      const now = clock().getTime()
      const name = `${limit} ${key}`
      const bucket = buckets.get(name) ?? newBucket(name, capacity, now)
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
