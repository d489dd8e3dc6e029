import type { Clock } from './time.ts'

/** What to do while a source of credentials cannot be read. */
export interface OutageOptions {
  /** How long the last value stays valid, in milliseconds. */
  staleIfErrorMs: number
  /** Called when an outage begins, with its cause, and when it has ended. */
  warn: (message: string, cause?: unknown) => void
}

export interface StaleIfErrorOptions<T> extends OutageOptions {
  /** Reads the source. Anything it throws is an outage. */
  load: () => Promise<T>
  /** Names the source in warnings, for example `secret purposepath-jwt-secret-dev`. */
  source: string
  /** Age in milliseconds from which a value is loaded again on use. */
  maxAgeMs: number
  /** Least time in milliseconds between two attempts during an outage. */
  retryMs: number
  /** Whether callers get a value that is too old while it is loaded again; default `false`: they wait. */
  reloadInBackground?: boolean
  clock: Clock
  /** The error for callers while there is no usable value. `cause`: what `load` threw; `undefined`: nothing. */
  unavailable: (cause: unknown) => Error
}

/** A value that is loaded again when it is old, and that outlives an outage of its source. */
export interface StaleIfError<T> {
  /**
   * The value: younger than `maxAgeMs`, or in an outage the last one.
   *
   * Only the first caller in an outage waits for the source; the others get the last value while it is tried again.
   *
   * @param lateMs extra age in milliseconds before this loads, for callers that also load by a timer; default 0.
   * @throws what `unavailable` makes, once the last value is older than `maxAgeMs + staleIfErrorMs`.
   */
  current(lateMs?: number): Promise<T>

  /** Loads now. Callers share a load that is under way. Never rejects. */
  reload(): Promise<void>

  /** Loads after a change: a load under way may have begun before the change, so another one follows it. */
  reloadAfterChange(): Promise<void>

  /** Loads now unless the last attempt ended less than `retryMs` ago. Callers share a load that is under way. */
  retry(): Promise<void>

  /** Whether there has ever been a value. */
  isLoaded(): boolean

  /** What `unavailable` makes, while the last attempt has failed. */
  outage(): Error | undefined
}

/**
 * Keeps the last value of a source, as `Cache-Control: max-age, stale-if-error` does (RFC 5861).
 *
 * @example
 * const keys = staleIfError({
 *   load: () => fetchKeys(url),
 *   source: `keys at ${url}`,
 *   maxAgeMs: 60_000,
 *   retryMs: 5_000,
 *   staleIfErrorMs: 600_000,
 *   clock,
 *   warn,
 *   unavailable: () => new AppError('unavailable', 'The keys cannot be fetched.'),
 * })
 * const key = (await keys.current()).get(id)
 */
export function staleIfError<T>(options: StaleIfErrorOptions<T>): StaleIfError<T> {
  const { load, source, maxAgeMs, retryMs, staleIfErrorMs, reloadInBackground = false } = options
  const { clock, warn, unavailable } = options
  let last: { value: T; loadedAt: number } | undefined
  let failure: { cause: unknown } | undefined
  let attemptEndedAt = -Infinity
  let loading: Promise<void> | undefined

  const now = () => clock().getTime()
  const isUsable = () => last !== undefined && now() - last.loadedAt < maxAgeMs + staleIfErrorMs

  async function attempt(): Promise<void> {
    const loadedAt = now()
    try {
      last = { value: await load(), loadedAt }
      if (failure) warn(`${source} can be read again`)
      failure = undefined
    } catch (cause) {
      // Once for each outage: a log of every attempt would say no more.
      if (!failure) warn(`cannot read ${source}; what was read last stays valid for now`, cause)
      failure = { cause }
    }
    attemptEndedAt = now()
  }

  function reload(): Promise<void> {
    loading ??= attempt().finally(() => {
      loading = undefined
    })
    return loading
  }

  async function reloadAfterChange(): Promise<void> {
    await loading
    await reload()
  }

  async function retry(): Promise<void> {
    if (loading || isPast(now(), attemptEndedAt, retryMs)) await reload()
  }

  async function current(lateMs = 0): Promise<T> {
    if (!last || isPast(now(), last.loadedAt, maxAgeMs + lateMs)) {
      const isOutage = failure !== undefined
      const loaded = isOutage ? retry() : reload()
      if (!isUsable() || !(isOutage || reloadInBackground)) await loaded
    }
    if (last && isUsable()) return last.value
    throw unavailable(failure?.cause)
  }

  return {
    current,
    reload,
    reloadAfterChange,
    retry,
    isLoaded: () => last !== undefined,
    outage: () => failure && unavailable(failure.cause),
  }
}

/** Whether `time` is `ms` or more ago. A clock that was set back must not keep a value young for ever. */
export function isPast(now: number, time: number, ms: number): boolean {
  const age = now - time
  return age >= ms || age < 0
}
