import { AppError, toAppError } from '../../domain/errors.ts'
import { isPast, type OutageOptions, staleIfError } from '../../util/stale-if-error.ts'
import type { Clock } from '../../util/time.ts'
import { howToCreate, type Labels, type SecretCalls } from './secret.ts'

/** How old a value may be before the secret is read again. */
const REFRESH_MS = 30_000
/** How late a reading by the timer may be before requests read the secret themselves. */
const LATE_MS = 5_000
/** Least time between two readings for unknown keys, and between two attempts in an outage. */
const PAUSE_MS = 5_000

/** A secret at one moment. */
export interface SecretVersions {
  labels: Labels
  /** By version id; only of the versions that were asked for and have a text. */
  texts: ReadonlyMap<string, string>
}

/**
 * Reads a secret. The text of a version never changes, so only texts that the last reading did not have are fetched.
 *
 * @param wanted which versions matter; others, such as another writer's drafts, are not fetched.
 * @returns a function that answers `undefined` while there is no such secret, and throws AppError `unavailable`.
 * @example const read = secretReader(calls, (labels) => [holderOf(labels, CURRENT)])
 */
export function secretReader(
  calls: SecretCalls,
  wanted: (labels: Labels) => (string | undefined)[],
): () => Promise<SecretVersions | undefined> {
  let lastTexts: ReadonlyMap<string, string> = new Map()

  return async () => {
    const secret = await calls.describe()
    if (!secret) return undefined
    const before = lastTexts
    const texts = new Map<string, string>()
    const fetches = [...new Set(wanted(secret.labels))].map(async (id) => {
      if (id === undefined) return
      const text = before.get(id) ?? (await calls.text(id))
      if (text !== undefined) texts.set(id, text)
    })
    await Promise.all(fetches)
    lastTexts = texts
    return { labels: secret.labels, texts }
  }
}

/** What a secret says, as last read. */
export interface SecretCache<T> {
  /**
   * Reads the secret now, and from now on every 30 seconds. Never rejects: an outage is reported by a warning, and
   * reading goes on.
   */
  start(): Promise<void>

  /**
   * The value, read less than 30 seconds ago; in an outage the one that was read last.
   *
   * @throws AppError `unavailable` when the secret could not be read for too long.
   */
  current(): Promise<T>

  /** Reads the secret again unless this did so in the last 5 seconds; callers share that reading. */
  refresh(): Promise<void>

  /** Reads the secret again, because this process has changed it. */
  reloadAfterChange(): Promise<void>

  /** Whether it has been read at least once. */
  isLoaded(): boolean

  /** `unavailable` while the secret cannot be read: then an unknown credential is neither right nor wrong. */
  outage(): Error | undefined
}

export interface SecretCacheOptions<T> {
  calls: SecretCalls
  read: () => Promise<SecretVersions | undefined>
  /**
   * Makes the value of the versions; called only when these have changed. An error counts as an outage.
   *
   * @param versions `undefined`: there is no such secret.
   */
  interpret: (versions: SecretVersions | undefined) => T
  /** What it means that there is no such secret, for the operator; unused where `interpret` throws then. */
  withoutSecret?: string
  /** What callers hear while there is no usable value. Default: that credentials cannot be verified. */
  message?: string
  clock: Clock
  outages: OutageOptions
}

/**
 * Keeps what a secret says.
 *
 * It is read by a timer, and on use when the last reading is too old: where programs are frozen between requests
 * (Lambda), timers do not run.
 */
export function secretCache<T>(options: SecretCacheOptions<T>): SecretCache<T> {
  const { calls, message = 'Credentials cannot be verified now.', clock, outages } = options
  const cache = staleIfError<T>({
    ...outages,
    load: interpretedReader(options),
    source: calls.resource,
    maxAgeMs: REFRESH_MS,
    retryMs: PAUSE_MS,
    clock,
    unavailable: (cause) => unavailable(message, cause),
  })
  let isStarted = false

  /** Load balancers send no requests to a server that has no keys, so no request would read them. */
  function reloadUntilLoaded(): void {
    if (!cache.isLoaded()) setTimeout(() => cache.reload().then(reloadUntilLoaded), PAUSE_MS).unref()
  }

  return {
    async start() {
      isStarted = true
      setInterval(cache.reload, REFRESH_MS).unref()
      await cache.reload()
      reloadUntilLoaded()
    },
    // While the timer's reading is under way, requests do not wait for it.
    current: () => cache.current(isStarted ? LATE_MS : 0),
    refresh: throttled(cache.reloadAfterChange, PAUSE_MS, clock),
    reloadAfterChange: cache.reloadAfterChange,
    isLoaded: cache.isLoaded,
    outage: cache.outage,
  }
}

/** Reads a secret and interprets it. Unchanged versions give the same object as before. */
function interpretedReader<T>(options: SecretCacheOptions<T>): () => Promise<T> {
  const { calls, read, interpret, withoutSecret, outages } = options
  let last: { signature: string; value: T } | undefined

  return async () => {
    const versions = await read()
    const signature = signatureOf(versions)
    if (signature !== last?.signature) {
      last = { signature, value: interpret(versions) }
      if (!versions) {
        outages.warn(`${calls.resource} does not exist: ${withoutSecret}. ${howToCreate(calls)}`)
      }
    }
    return last.value
  }
}

/** Changes with the labels and texts of a secret; empty without one. */
function signatureOf(versions: SecretVersions | undefined): string {
  return versions ? JSON.stringify([versions.labels, [...versions.texts.keys()].sort()]) : ''
}

/** Runs `work` at most once in `ms`; calls in between share the last run. */
function throttled(work: () => Promise<void>, ms: number, clock: Clock): () => Promise<void> {
  let startedAt = -Infinity
  let lastRun = Promise.resolve()
  return () => {
    const now = clock().getTime()
    if (isPast(now, startedAt, ms)) {
      startedAt = now
      lastRun = work()
    }
    return lastRun
  }
}

function unavailable(message: string, cause: unknown): AppError {
  const error = cause === undefined ? undefined : toAppError(cause)
  return new AppError('unavailable', message, {
    retryAfter: PAUSE_MS / 1000,
    ...(error && { operatorMessage: error.operatorMessage, cause: error }),
  })
}
