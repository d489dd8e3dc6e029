import type { StoreListener, StoreWatch } from '../../domain/topic.ts'
import { type ChangeFeed, changedSince, type Feed } from './feed.ts'

export interface FollowOptions {
  feed: ChangeFeed
  /** Bound within which the listener hears of a change. */
  freshnessMs: number
  /** How often everything is compared, for changes that no feed lists. */
  reconcileMs: number
  /** Called once when everything cannot be compared. */
  warn: (message: string, cause?: unknown) => void
  /** Resolves when it has taken the event over; rejects when it could not. */
  listener: StoreListener
}

/** A read of the feed that takes longer means that the store is out of reach. */
const LEAST_BUDGET_MS = 1_000
/** Time between two attempts to compare everything: each reads the whole table. */
const RECONCILE_RETRY_MS = 5_000
/** A read that ends so long after its time was up was not slow: the process was halted. */
const SLEPT_MS = 250

/** Follows a table's feed: one small read every half freshness bound, and nothing else while nothing changes. */
export async function followFeed(options: FollowOptions): Promise<StoreWatch> {
  const { feed, freshnessMs, listener } = options
  const budgetMs = Math.max(LEAST_BUDGET_MS, freshnessMs)
  /** When the read began whose changes the listener has taken over. */
  let readAt = performance.now()
  const reconciler = createReconciler(options, readAt)
  let position = await feed.read()
  let reachable = true

  async function look(): Promise<void> {
    let read: Awaited<ReturnType<typeof readAwake>>
    try {
      read = await readAwake(feed, budgetMs)
    } catch (cause) {
      if (reachable) await listener({ topic_ids: [], reachable: false, cause })
      reachable = false
      return
    }
    await notify(changedSince(position, read.position), !reachable)
    // Only now: what the listener could not take over is reported again, and a call that is late meanwhile has to wait
    // for it, too.
    position = read.position
    reachable = true
    readAt = read.startedAt
    if (reconciler.isDue()) void reconciler.run()
  }

  /** @param topic_ids `undefined`: unknown. */
  async function notify(topic_ids: readonly string[] | undefined, isBack: boolean): Promise<void> {
    if (!topic_ids) reconciler.require()
    // Waited for: until it is done the age of what is served is unknown.
    if (reconciler.isRequired()) await reconciler.run()
    else if (isBack || topic_ids?.length) await listener({ topic_ids: topic_ids ?? [], reachable: true })
  }

  const poller = createPoller(look, freshnessMs / 2)
  const isLate = () => reachable && performance.now() - readAt > freshnessMs

  /** A look that is under way may have read the feed too long ago. */
  async function lookUntilFresh(): Promise<void> {
    await poller.run()
    if (isLate()) await poller.run()
  }

  return {
    catchUp() {
      // In an outage no call waits: what is known is served, marked as stale.
      return isLate() ? lookUntilFresh() : undefined
    },
    ageMs: () => performance.now() - readAt,
    close: async () => poller.stop(),
  }
}

/**
 * Reads the feed, again if the process slept meanwhile: it then finds the time of the read up whatever the store has
 * answered, which is no outage.
 *
 * @returns also when the reading began: the position is at least as new as that.
 * @throws AppError `unavailable`
 */
export async function readAwake(
  feed: Pick<ChangeFeed, 'read'>,
  budgetMs: number,
): Promise<{ position: Feed | undefined; startedAt: number }> {
  const startedAt = performance.now()
  try {
    return { position: await feed.read(budgetMs), startedAt }
  } catch (error) {
    if (performance.now() - startedAt < budgetMs + SLEPT_MS) throw error
  }
  const again = performance.now()
  return { position: await feed.read(budgetMs), startedAt: again }
}

interface Poller {
  /** Runs the task now, or waits for the run that is under way. */
  run(): Promise<void>
  stop(): void
}

/** Runs `task` whenever `pauseMs` have passed since its last run ended; one run at a time. */
function createPoller(task: () => Promise<void>, pauseMs: number): Poller {
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function run(): Promise<void> {
    clearTimeout(timer)
    running ??= task().finally(() => {
      running = undefined
      schedule()
    })
    return running
  }

  function schedule(): void {
    // A run that fails is repeated by the next one.
    if (!isStopped) timer = setTimeout(() => void run().catch(() => {}), pauseMs).unref()
  }

  schedule()
  return {
    run,
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

interface Reconciler {
  /** To be called when the feed does not tell what has changed: everything must be compared. */
  require(): void
  /** Whether everything must be compared, and an attempt makes sense now. */
  isRequired(): boolean
  /** Whether it is time to compare everything again. */
  isDue(): boolean
  /** Has the listener compare everything. Never fails: it is tried again soon, and what is known is served meanwhile. */
  run(): Promise<void>
}

/** @param since when everything was known to be up to date, by `performance.now()`. */
function createReconciler(
  { listener, freshnessMs, reconcileMs, warn }: Omit<FollowOptions, 'feed'>,
  since: number,
): Reconciler {
  // The next look comes half a freshness bound later.
  const pauseMs = reconcileMs - freshnessMs / 2
  let doneAt = since
  let failedAt = -Infinity
  let isLost = false
  let isRunning = false
  const hasJustFailed = () => performance.now() - failedAt < RECONCILE_RETRY_MS

  return {
    require() {
      isLost = true
    },
    isRequired: () => isLost && !hasJustFailed(),
    isDue: () => !isRunning && !hasJustFailed() && performance.now() - doneAt >= pauseMs,

    async run() {
      isRunning = true
      try {
        await listener({ topic_ids: [], reachable: true, reset: true })
        isLost = false
        doneAt = performance.now()
        failedAt = -Infinity
      } catch (error) {
        if (failedAt === -Infinity) warn('cannot compare what is known with the table; trying again', error)
        failedAt = performance.now()
      } finally {
        isRunning = false
      }
    },
  }
}
