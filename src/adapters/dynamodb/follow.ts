import type { StoreListener, StoreWatch } from '../../domain/topic.ts'
import { type ChangeFeed, changedSince } from './feed.ts'

export interface FollowOptions {
  feed: ChangeFeed
  /** Bound within which a change is told. */
  freshnessMs: number
  /** How often everything is looked at, for changes that no feed tells of. */
  reconcileMs: number
  /** Told once when everything cannot be compared. */
  warn: (message: string, cause?: unknown) => void
  /** Resolves when it has taken the event over; rejects when it could not. */
  listener: StoreListener
}

/** A read of the feed that takes longer says that the store is out of reach. */
const LEAST_BUDGET_MS = 1_000
/** Time between two attempts to compare everything: each reads the whole table. */
const RECONCILE_RETRY_MS = 5_000
/** A read that ends so long after its time was up was not slow: the process was halted. */
const SLEPT_MS = 250

/** Follows a table's feed: one small read every half freshness bound, and nothing else while nothing changes. */
export async function followFeed({
  feed,
  freshnessMs,
  reconcileMs,
  warn,
  listener,
}: FollowOptions): Promise<StoreWatch> {
  const budgetMs = Math.max(LEAST_BUDGET_MS, freshnessMs)
  let readAt = performance.now()
  let position = await feed.read()
  let reconciledAt = readAt
  let reachable = true
  /** True until what the feed could not tell has been read from the table itself. */
  let isLost = false
  let reconciling = false
  let failedAt = -Infinity
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function look(): Promise<void> {
    clearTimeout(timer)
    looking ??= lookNow().finally(() => {
      looking = undefined
      schedule()
    })
    return looking
  }

  async function lookNow(): Promise<void> {
    const before = position
    let startedAt: number
    try {
      startedAt = await readFeed()
    } catch (cause) {
      if (reachable) await listener({ topic_ids: [], reachable: false, cause })
      reachable = false
      return
    }
    const isBack = !reachable
    reachable = true
    const topic_ids = changedSince(before, position)
    isLost ||= topic_ids === undefined
    const hasJustFailed = performance.now() - failedAt < RECONCILE_RETRY_MS
    if (isLost && !hasJustFailed) {
      // Waited for: until it is done nobody can say how old what is known may be.
      await reconcile()
    } else if (isBack || topic_ids?.length) await listener({ topic_ids: topic_ids ?? [], reachable })
    // Only now: whoever is late meanwhile has to wait for what has just been taken over, too.
    readAt = startedAt
    const isDue = performance.now() - reconciledAt >= reconcileMs - freshnessMs / 2
    if (isDue && !reconciling && !hasJustFailed) void reconcile()
  }

  /** @returns when the reading began, of which time what it answers is. */
  async function readFeed(): Promise<number> {
    const startedAt = performance.now()
    try {
      position = await feed.read(budgetMs)
      return startedAt
    } catch (error) {
      // A process that slept meanwhile finds its time up whatever the store has answered: that is no outage.
      if (performance.now() - startedAt < budgetMs + SLEPT_MS) throw error
    }
    const again = performance.now()
    position = await feed.read(budgetMs)
    return again
  }

  const isLate = () => reachable && performance.now() - readAt > freshnessMs

  /** A look that is under way may have read the feed too long ago. */
  async function lookUntilFresh(): Promise<void> {
    await look()
    if (isLate()) await look()
  }

  async function reconcile(): Promise<void> {
    reconciling = true
    try {
      await listener({ topic_ids: [], reachable, reset: true })
      isLost = false
      reconciledAt = performance.now()
      failedAt = -Infinity
    } catch (error) {
      // Tried again soon; until then what is known is served.
      if (failedAt === -Infinity) warn('cannot compare what is known with the table; trying again', error)
      failedAt = performance.now()
    } finally {
      reconciling = false
    }
  }

  function schedule(): void {
    if (!closed) timer = setTimeout(look, freshnessMs / 2).unref()
  }

  schedule()
  return {
    catchUp() {
      // In an outage nobody waits: what is known is served, marked as stale.
      return isLate() ? lookUntilFresh() : undefined
    },
    async close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
