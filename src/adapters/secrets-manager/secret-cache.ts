import type { Clock } from '../../domain/clock.ts'
import { AppError, toAppError } from '../../domain/errors.ts'
import type { Outages } from '../files/watched-file.ts'
import type { Labels, SecretCalls } from './secret.ts'

/** How old what is known may be (spec §5). */
const REFRESH_MS = 30_000
/** How late a reading by the timer may be before requests see to it. */
const LATE_MS = 5_000
/** Least time between two readings that unknown keys cause, and between two attempts in an outage. */
const PAUSE_MS = 5_000

/** What a secret says, as last read. */
export interface WatchedSecret<T> {
  /** Reads it now and every 30 seconds from now on. Never fails: an outage is told, and ends by itself. */
  start(): Promise<void>

  /**
   * What it says, read less than 30 seconds ago; in an outage what was read last.
   *
   * @throws AppError `unavailable` when it could not be read for too long.
   */
  current(): Promise<T>

  /** What `current` would answer, if that is known without waiting. */
  fresh(): T | undefined

  /** Reads it again unless that was done in the last 5 seconds; callers meanwhile share one reading. */
  lookAgain(): Promise<void>

  /** Reads it again now, because this process has changed it. */
  readAfterChange(): Promise<void>

  /** Whether it has been read at least once. */
  isKnown(): boolean

  /** `unavailable` while it cannot be read: then what is not known cannot be judged. */
  outage(): AppError | undefined
}

export interface WatchedSecretOptions<T> {
  calls: SecretCalls
  read: () => Promise<SecretVersions | undefined>
  /**
   * What the versions say; only asked when something has changed. What it throws counts as an outage.
   *
   * @param versions `undefined`: there is no such secret.
   */
  interpret: (versions: SecretVersions | undefined) => T
  /** What it means that there is no such secret, for the operator. */
  withoutSecret: string
  clock: Clock
  outages: Outages
}

/**
 * Keeps up with a secret.
 *
 * By a timer, and on use when the last reading is too old: where programs are halted between requests (Lambda), timers
 * do not run. What is known outlives an outage of its source (spec §5), and meanwhile no request waits for a reading.
 */
export function watchedSecret<T>({
  calls,
  read,
  interpret,
  withoutSecret,
  clock,
  outages: { staleIfErrorMs, warn },
}: WatchedSecretOptions<T>): WatchedSecret<T> {
  let last: { value: T; signature: string; readAt: number } | undefined
  let failure: AppError | undefined
  let failedAt = -Infinity
  let reading: Promise<void> | undefined
  let lookedAt = -Infinity
  let isStarted = false
  let looking: Promise<void> | undefined

  const now = () => clock().getTime()
  /** Whether `time` is so long ago. A clock that was set back must not make things young for ever. */
  const isAgo = (time: number, ms: number) => {
    const age = now() - time
    return age >= ms || age < 0
  }
  /** Where a timer reads, nobody else does while it runs: its reading takes a moment. */
  const maxAgeMs = () => REFRESH_MS + (isStarted ? LATE_MS : 0)
  const isUsable = () => last !== undefined && now() - last.readAt < REFRESH_MS + staleIfErrorMs

  function readShared(): Promise<void> {
    reading ??= readOnce().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readOnce(): Promise<void> {
    const readAt = now()
    try {
      const versions = await read()
      const signature = signatureOf(versions)
      if (signature !== last?.signature) {
        const value = interpret(versions)
        if (!versions) warn(`${calls.resource} does not exist: ${withoutSecret}. ${howToCreate(calls)}`)
        last = { value, signature, readAt }
      } else last = { ...last, readAt }
      failure = undefined
    } catch (thrown) {
      const error = toAppError(thrown)
      // Once for each outage: a log of every attempt would say no more.
      if (!failure) warn(`cannot read ${calls.resource}; what is known of it holds for now`, thrown)
      failure = error
      failedAt = now()
    }
  }

  /** Nobody is sent to a server that knows no keys, so nobody's request would read them. */
  function readUntilKnown(): void {
    if (!last) setTimeout(() => readShared().then(readUntilKnown), PAUSE_MS).unref()
  }

  function known(): T {
    if (last && isUsable()) return last.value
    throw unavailable()
  }

  function unavailable(): AppError {
    return new AppError('unavailable', 'Credentials cannot be verified now.', {
      retryAfter: PAUSE_MS / 1000,
      ...(failure && { operatorMessage: failure.operatorMessage, cause: failure }),
    })
  }

  async function readAfresh(): Promise<void> {
    // One that is under way may have begun before the change.
    await reading
    await readShared()
  }

  return {
    readAfterChange: readAfresh,
    outage: () => failure && unavailable(),
    isKnown: () => last !== undefined,

    async start() {
      isStarted = true
      setInterval(readShared, REFRESH_MS).unref()
      await readShared()
      readUntilKnown()
    },

    fresh: () => (last && !isAgo(last.readAt, maxAgeMs()) ? last.value : undefined),

    async current() {
      if (!last || isAgo(last.readAt, maxAgeMs())) {
        if (!failure) await readShared()
        else if (reading || isAgo(failedAt, PAUSE_MS)) {
          const attempt = readShared()
          if (!isUsable()) await attempt
        }
      }
      return known()
    },

    async lookAgain() {
      if (isAgo(lookedAt, PAUSE_MS)) {
        lookedAt = now()
        looking = readAfresh()
      }
      await looking
    },
  }
}

/** Changes with the secret. */
function signatureOf(versions: SecretVersions | undefined): string {
  return versions ? JSON.stringify([versions.labels, [...versions.texts.keys()].sort()]) : ''
}

/** For the operator of a secret that is not there. */
export function howToCreate({ setting }: Pick<SecretCalls, 'setting'>): string {
  return `Create it with "purposepath-prompts provision", or check ${setting}, STAGE and AWS_REGION.`
}

/** A secret at one moment. */
export interface SecretVersions {
  labels: Labels
  /** Of those versions that were asked for and have a text. */
  texts: ReadonlyMap<string, string>
}

/**
 * Reads a secret. Texts of versions never change, so only those are fetched that the last reading did not have.
 *
 * @param wanted which versions matter; others, such as another writer's drafts, are not fetched.
 * @returns a function whose answer is `undefined` while there is no such secret. It throws AppError `unavailable`.
 */
export function secretReader(
  calls: SecretCalls,
  wanted: (labels: Labels) => (string | undefined)[],
): () => Promise<SecretVersions | undefined> {
  let known: ReadonlyMap<string, string> = new Map()

  return async () => {
    const found = await calls.describe()
    if (!found) return undefined
    const before = known
    const texts = new Map<string, string>()
    const fetches = [...new Set(wanted(found.labels))].map(async (id) => {
      if (id === undefined) return
      const text = before.get(id) ?? (await calls.text(id))
      if (text !== undefined) texts.set(id, text)
    })
    await Promise.all(fetches)
    known = texts
    return { labels: found.labels, texts }
  }
}
