import { hash, randomBytes } from 'node:crypto'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import type { Clock } from '../../domain/clock.ts'
import type { LimitName, RateLimiter } from '../../domain/rate-limiter.ts'
import { countsTable } from './counts-table.ts'
import { outageWatch } from './outage.ts'

const MINUTE_MS = 60_000
/** Items outlive their minute by so much, for instances whose clock is behind. */
const ITEM_LEEWAY_SECONDS = 60
/** Callers of each limit, and as many addresses, remembered at a time; of more the least active ones start anew. */
const MAX_REMEMBERED = 10_000
/** An instance tells when this part of a limit is untold, or when something is untold for so long. */
const SHARE = 1 / 20
const TELL_AFTER_MS = 1_000
/** Writes under way at the same time in the background: a quarter of the client's connections. */
const MAX_WRITES = 32
/** When to try again what is refused because the table is out of reach. */
const CLOSED_SECONDS = 5
/** A key of DynamoDB holds 2048 bytes, and a token's subject may be longer. */
const MAX_KEY_LENGTH = 256

export interface SharedLimiterDeps {
  client: DynamoDBDocumentClient
  /** See {@link limitsTable}. */
  table: string
  perMinute: Readonly<Record<LimitName, number>>
  clock: Clock
  /** Told once for each outage of the table. */
  warn: (message: string, cause?: unknown) => void
}

export interface SharedRateLimiter extends RateLimiter {
  /** Tells what is untold, so that it counts for the other instances. Takes a few seconds at most; never fails. */
  close(): Promise<void>
}

/** What one instance knows of a caller's minute. */
interface Window {
  readonly minute: number
  readonly item: string
  readonly expiresAt: number
  /** How many untold calls start a write. */
  readonly share: number
  /** Under which name `own` is told: not that of the instance, which may forget a caller and start anew. */
  readonly teller: string
  /** Calls let through here. */
  own: number
  /** How many of them the table knows. */
  told: number
  /** Calls let through elsewhere, as of the last answer. */
  others: number
  timer: NodeJS.Timeout | undefined
  telling: Promise<void> | undefined
  /** Whether the last write failed: the next one comes no sooner than {@link TELL_AFTER_MS}. */
  hasFailed: boolean
  isForgotten: boolean
}

/**
 * Limits that all instances share, in windows of one minute by the clock. Who uses up a window's end and the next
 * one's start makes twice the limit of calls within a minute.
 *
 * **Spent first, settled later.** No call waits for the table. Each instance lets through by its own counts and tells
 * them in the background: when a twentieth of the limit (`s`, at least 1) is untold, or something has been untold for
 * a second; one write at a time for each caller. The answer says what all instances have let through. A caller is
 * refused when that and what is untold here reach the limit; refusals cause no writes.
 *
 * **Accuracy.** One instance keeps a limit exactly. `N` instances together let at most `(N - 1) · s + 2 · N · c` calls
 * through beyond it, where `c` is what one of them lets through during one write (some milliseconds), and never more
 * than the limit each. A `take` of several calls may pass `s` by its cost. A clock that is ahead or behind moves its
 * instance's window. Whoever is forgotten ({@link MAX_REMEMBERED}) is let through up to `s` calls until the next
 * answer. Answers that get lost count nothing twice.
 *
 * **Out of reach.** While the table does not answer, each instance keeps the limits by its own counts, which it tells
 * within seconds when the table is back, if the minute is not over.
 *
 * **`auth_failures`** is exact: each is one write that is waited for (3 s at most), until an address has used up its
 * minute. While the table does not answer, none is allowed.
 */
export function sharedRateLimiter(deps: SharedLimiterDeps): SharedRateLimiter {
  const { client, table, perMinute, clock, warn } = deps
  const counts = countsTable(client, table)
  const outage = outageWatch((reason, cause) =>
    warn(
      `the limits table cannot be used: every instance counts for itself, failed authentication is refused; ${reason}`,
      cause,
    ),
  )
  /** By limit, then by caller: a name made of both would have to be made and hashed for each request. */
  const windows = new Map<LimitName, LRUCache<string, Window>>()
  /** Failed attempts of addresses. Apart from callers, so that a flood of addresses pushes none of these out. */
  const failures = new LRUCache<string, { minute: number; total: number }>({ max: MAX_REMEMBERED })
  const underWay = new Set<Window>()
  let isClosed = false

  const minuteNow = () => Math.floor(clock().getTime() / MINUTE_MS)

  function windowsOf(limitName: LimitName): LRUCache<string, Window> {
    const known = windows.get(limitName)
    if (known) return known
    const created = new LRUCache<string, Window>({
      max: MAX_REMEMBERED,
      dispose(window, _, reason) {
        clearTimeout(window.timer)
        window.isForgotten = true
        if (reason === 'evict') tell(window)
      },
    })
    windows.set(limitName, created)
    return created
  }

  function windowOf(limitName: LimitName, key: string, minute: number): Window {
    const callers = windowsOf(limitName)
    const known = callers.get(key)
    if (known?.minute === minute) return known
    const window: Window = {
      minute,
      ...itemOf(limitName, key, minute),
      share: Math.ceil(perMinute[limitName] * SHARE),
      teller: randomBytes(6).toString('base64url'),
      own: 0,
      told: 0,
      others: 0,
      timer: undefined,
      telling: undefined,
      hasFailed: false,
      isForgotten: false,
    }
    callers.set(key, window)
    return window
  }

  function tellInTime(window: Window): void {
    const untold = window.own - window.told
    const isDue = untold >= window.share || window.isForgotten
    if (isDue && !window.hasFailed) tell(window)
    else if (untold > 0) tellLater(window)
  }

  function tellLater(window: Window): void {
    if (isClosed || window.isForgotten) return
    window.timer ??= setTimeout(() => {
      window.timer = undefined
      tell(window)
    }, TELL_AFTER_MS).unref()
  }

  function tell(window: Window): void {
    // What a minute counted is of no use to anybody once it is over.
    if (window.telling || window.own === window.told || window.minute !== minuteNow()) return
    if (underWay.size >= MAX_WRITES || outage.isRecent()) tellLater(window)
    else window.telling = write(window)
  }

  /** Never fails. */
  async function write(window: Window): Promise<void> {
    const { item, teller, own, expiresAt } = window
    clearTimeout(window.timer)
    window.timer = undefined
    underWay.add(window)
    try {
      const total = await outage.watch(() => counts.tell(item, teller, own, expiresAt))
      window.told = own
      window.others = total - own
      window.hasFailed = false
    } catch {
      window.hasFailed = true
    }
    underWay.delete(window)
    window.telling = undefined
    tellInTime(window)
  }

  async function takeFailure(address: string, minute: number, limit: number, cost: number) {
    const known = failures.get(address)
    const total = known?.minute === minute ? known.total : 0
    // Totals only grow: what is refused once stays so until the window ends.
    if (total + cost > limit) return { allowed: false, total }
    const { item, expiresAt } = itemOf('auth_failures', address, minute)
    const spent = await outage.watch(() => counts.spend(item, cost, limit, expiresAt))
    failures.set(address, { minute, total: spent.total })
    return spent
  }

  return {
    consume(caller, limitName, cost) {
      const key = caller.length > MAX_KEY_LENGTH ? hash('sha256', caller) : caller
      const limit = perMinute[limitName]
      const now = clock().getTime()
      const minute = Math.floor(now / MINUTE_MS)
      const resetSeconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000)
      if (limitName === 'auth_failures') {
        return takeFailure(key, minute, limit, cost).then(
          ({ allowed, total }) => ({ allowed, limit, remaining: Math.max(0, limit - total), resetSeconds }),
          () => ({ allowed: false, limit, remaining: 0, resetSeconds: CLOSED_SECONDS }),
        )
      }
      const window = windowOf(limitName, key, minute)
      const allowed = window.own + window.others + cost <= limit
      if (allowed) {
        window.own += cost
        tellInTime(window)
      }
      return { allowed, limit, remaining: Math.max(0, limit - window.own - window.others), resetSeconds }
    },

    async close() {
      isClosed = true
      await Promise.all([...underWay].map(({ telling }) => telling))
      const tellLast = async (window: Window) => {
        clearTimeout(window.timer)
        await window.telling
        tell(window)
        await window.telling
      }
      const remembered = [...windows.values()].flatMap((callers) => [...callers.values()])
      await pMap(remembered, tellLast, { concurrency: MAX_WRITES })
    },
  }
}

function itemOf(limit: LimitName, key: string, minute: number): { item: string; expiresAt: number } {
  return { item: `${limit} ${key} ${minute}`, expiresAt: (minute + 1) * 60 + ITEM_LEEWAY_SECONDS }
}
