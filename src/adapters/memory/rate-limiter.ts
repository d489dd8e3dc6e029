import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type {
  ClosableRateLimiter,
  LimitName,
  RateLimitStatus,
  RateLimitWindow,
  SharedCounts,
} from '../../domain/rate-limiter.ts'
import type { Clock } from '../../util/time.ts'
import { type CountReporter, createCountReporter, type Window } from './count-reporter.ts'

const MINUTE_MS = 60_000
/** Keys remembered for each limit; beyond that the least active ones are forgotten and start over. */
const MAX_REMEMBERED = 10_000
/** When to try again what is refused because the shared counts are out of reach. */
const OUTAGE_SECONDS = 5
/** Longer keys are hashed: a token's subject may have any length. */
const MAX_KEY_LENGTH = 256

export interface WindowRateLimiterOptions {
  perMinute: Readonly<Record<LimitName, number>>
  clock: Clock
  /** Counts that other instances share; default: this process counts alone. */
  counts?: SharedCounts
}

/**
 * Limits in windows of one minute by the clock. A caller that uses up the end of one window and the start of the next
 * makes twice the limit of calls within a minute.
 *
 * **Without `counts`** a limit is exact in this process, and a restart begins with full limits.
 *
 * **With `counts`** all instances share the limits. No call waits for the shared counts: each instance lets through by
 * its own counts and reports them in the background ({@link createCountReporter}): when a twentieth of the limit (`s`, at
 * least 1) is unreported, or something has been unreported for a second. A caller is refused when what is reported by
 * all and what is unreported here reach the limit; refusals cause no writes.
 *
 * **Accuracy.** One instance keeps a limit exactly. `N` instances together let at most `(N - 1) · s + 2 · N · c` calls
 * through beyond it, where `c` is what one of them lets through during one write (some milliseconds), and never more
 * than the limit each. A call that costs several may pass `s` by its cost. A clock that is ahead or behind moves its
 * instance's window. A key that was forgotten ({@link MAX_REMEMBERED}) is let through up to `s` calls until the next
 * answer. Answers that get lost count nothing twice.
 *
 * **Outages.** While the shared counts are out of reach, each instance keeps the limits by its own counts, and reports
 * them within seconds afterwards, if the minute is not over.
 *
 * **`auth_failures`** is exact with `counts`, too: each failure is one write that is waited for (3 s at most), until an
 * address has used up its minute. While the shared counts are out of reach, none is allowed.
 */
export function windowRateLimiter(options: WindowRateLimiterOptions): ClosableRateLimiter {
  const { perMinute, clock, counts } = options
  const minuteNow = () => Math.floor(clock().getTime() / MINUTE_MS)
  const reporter = counts && createCountReporter(counts, perMinute, minuteNow)
  const consumeExactly = counts && exactConsumer(counts)
  const windows = rememberedWindows(reporter)

  return {
    consume(caller, limitName, cost) {
      const now = clock().getTime()
      const minute = Math.floor(now / MINUTE_MS)
      const resetSeconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000)
      const key = caller.length > MAX_KEY_LENGTH ? hash('sha256', caller) : caller
      const limit = perMinute[limitName]
      if (consumeExactly && limitName === 'auth_failures') {
        return consumeExactly({ limit: limitName, key, minute }, { cost, limit, resetSeconds })
      }
      const window = windows.get(limitName, key, minute)
      const allowed = window.own + window.others + cost <= limit
      if (allowed) {
        window.own += cost
        reporter?.reportWhenDue(window)
      }
      return { allowed, limit, remaining: Math.max(0, limit - window.own - window.others), resetSeconds }
    },

    close: async () => reporter?.close(windows.all()),
  }
}

/** The windows of this minute. Each limit has a cache of its own, so that a flood of addresses pushes out no callers. */
function rememberedWindows(reporter: CountReporter | undefined) {
  const byLimit = new Map<LimitName, LRUCache<string, Window>>()

  function cacheOf(limit: LimitName): LRUCache<string, Window> {
    const existing = byLimit.get(limit)
    if (existing) return existing
    const created = new LRUCache<string, Window>({
      max: MAX_REMEMBERED,
      ...(reporter && {
        dispose: (window, _, reason) =>
          reason === 'evict' ? reporter.reportEvicted(window) : reporter.drop(window),
      }),
    })
    byLimit.set(limit, created)
    return created
  }

  return {
    get(limit: LimitName, key: string, minute: number): Window {
      const cache = cacheOf(limit)
      const existing = cache.get(key)
      if (existing?.minute === minute) return existing
      const window = { limit, key, minute, own: 0, others: 0 }
      cache.set(key, window)
      return window
    },

    all: () => [...byLimit.values()].flatMap((cache) => [...cache.values()]),
  }
}

/** Counts exactly: every allowed call is one write that is waited for. */
function exactConsumer(counts: SharedCounts) {
  const totals = new LRUCache<string, { minute: number; total: number }>({ max: MAX_REMEMBERED })

  async function spend(window: RateLimitWindow, cost: number, most: number) {
    const { key, minute } = window
    const cached = totals.get(key)
    const total = cached?.minute === minute ? cached.total : 0
    // Totals only grow: what is refused once stays refused until the window ends.
    if (total + cost > most) return { allowed: false, total }
    const spent = await counts.spend(window, cost, most)
    totals.set(key, { minute, total: spent.total })
    return spent
  }

  return async (
    window: RateLimitWindow,
    { cost, limit, resetSeconds }: { cost: number; limit: number; resetSeconds: number },
  ): Promise<RateLimitStatus> => {
    try {
      const { allowed, total } = await spend(window, cost, limit)
      return { allowed, limit, remaining: Math.max(0, limit - total), resetSeconds }
    } catch {
      return { allowed: false, limit, remaining: 0, resetSeconds: OUTAGE_SECONDS }
    }
  }
}
