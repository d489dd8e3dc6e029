import pMap from 'p-map'
import type { Awaitable } from '../../domain/awaitable.ts'
import type { Clock } from '../../domain/clock.ts'
import { AppError, notFound } from '../../domain/errors.ts'
import { sameJson } from '../../domain/json.ts'
import type { PromptStore } from '../../domain/prompt-store.ts'
import {
  byDisplayOrder,
  type PromptTexts,
  type StoredTopic,
  type Topic,
  type TopicRepository,
} from '../../domain/topic.ts'
import { createTextCache } from './text-cache.ts'

/** Topics read at the same time, and told of together. */
const CONCURRENCY = 16
const BATCH = 500
/** When to try again what could not be read: soon, then after twice the time, and so on. */
const RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000
/** When to read ahead again what could not be read. */
const AHEAD_RETRY_MS = 10_000
/** Texts are read ahead once the first clients have been served. */
const READ_AHEAD_MS = 2_000

/** One topic before and after a change; a missing side means that it did not or does not exist. */
export interface CatalogChange {
  topic_id: string
  before?: Topic
  after?: Topic
}

/** All topics of the store in memory: what every read is answered from. */
export interface Catalog {
  /**
   * The topic in whatever state, deleted ones included.
   *
   * @throws AppError `not_found`.
   */
  topic(topic_id: string): Topic

  /**
   * The topic if it is active.
   *
   * @throws AppError `not_found`, also for inactive and deleted topics (spec §3).
   */
  published(topic_id: string): Topic

  /** The texts of all prompts of a topic. */
  texts(topic: Topic): Awaitable<PromptTexts>

  /** All topics, deleted ones included, by `display_order`, then id. The same array until something changes. */
  list(): readonly Topic[]

  /** Topics that cannot be used, with the reason. */
  invalid(): ReadonlyMap<string, string>

  /** When the store cannot be reached: since when what is served may be old. */
  staleSince(): Date | undefined

  /** False while no text could be read yet although there are some: then nothing can be served. */
  canServe(): boolean

  /** See {@link StoreWatch.catchUp}: resolves when what is served is within the freshness bound; usually `undefined`. */
  catchUp(): Promise<void> | undefined

  /**
   * Takes over what this process has just saved, so that it is visible here at once.
   *
   * @param texts those texts that are new, by prompt type: they need no reading then.
   */
  accept(topic: Topic, texts?: PromptTexts): void

  /** Calls `listener` with every set of changes. */
  onChange(listener: (changes: readonly CatalogChange[]) => void): void

  /** Stops following the store. */
  close(): Promise<void>
}

/**
 * Loads all topics and follows the store.
 *
 * @param staleIfErrorMs how long known topics are served while the store cannot be reached; then `unavailable`.
 */
export async function openCatalog(options: {
  topics: TopicRepository
  prompts: PromptStore
  clock: Clock
  staleIfErrorMs: number
  warn: (message: string, cause?: unknown) => void
}): Promise<Catalog> {
  const { topics, prompts, clock, staleIfErrorMs, warn } = options
  const known = new Map<string, Topic>()
  const invalid = new Map<string, string>()
  const listeners: ((changes: readonly CatalogChange[]) => void)[] = []
  const texts = createTextCache(prompts, warn)
  let sorted: readonly Topic[] | undefined
  /** Set in an outage: since when the store cannot be reached, and of when what is known is. */
  let outage: { since: Date; asOf: Date } | undefined
  let ahead: NodeJS.Timeout | undefined

  /** Replaces what is known of a topic. */
  function take(topic_id: string, stored: StoredTopic | undefined): CatalogChange | undefined {
    const before = known.get(topic_id)
    const after = stored && 'topic' in stored ? stored.topic : undefined
    if (stored && 'invalid' in stored) {
      // What is wrong may quote the text, which a log must not hold; `doctor` tells all.
      if (!invalid.has(topic_id))
        warn(`topic ${topic_id} is invalid and not served until it is fixed; see doctor`)
      invalid.set(topic_id, stored.invalid)
    } else if (invalid.delete(topic_id)) {
      warn(`topic ${topic_id} is valid again`)
    }
    if (after === before || (after && before && isSame(after, before))) return undefined
    if (after) known.set(topic_id, after)
    else known.delete(topic_id)
    sorted = undefined
    return { topic_id, ...(before && { before }), ...(after && { after }) }
  }

  /** The same unless the store knows something newer already. */
  function takeIfNewer(stored: StoredTopic): CatalogChange | undefined {
    const { topic_id } = stored
    const before = known.get(topic_id)
    const isOlder = before && 'topic' in stored && stored.topic.revision <= before.revision
    return isOlder ? undefined : take(topic_id, stored)
  }

  /** Topics to read again. One reader at a time takes them, so that no answer overtakes a later one. */
  const waiting = new Set<string>()
  /** How often topics could not be read, one time after the other. */
  const retries = new Map<string, number>()
  /** Topics that could not be read in an outage. */
  const missed = new Set<string>()
  let reading: Promise<void> | undefined

  function refresh(topic_ids: Iterable<string>): Promise<void> {
    for (const topic_id of topic_ids) waiting.add(topic_id)
    if (waiting.size > 0) reading ??= readWaiting()
    return reading ?? Promise.resolve()
  }

  async function readWaiting(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, BATCH)
      for (const topic_id of batch) waiting.delete(topic_id)
      const changes = await pMap(batch, read, { concurrency: CONCURRENCY })
      tell(changes)
      // So that an outage that begins now finds the new texts in memory, too.
      void texts.readAhead(changes.flatMap((change) => change?.after ?? []))
    }
    reading = undefined
  }

  async function read(topic_id: string): Promise<CatalogChange | undefined> {
    const before = known.get(topic_id)
    try {
      const stored = await topics.get(topic_id)
      retries.delete(topic_id)
      if (known.get(topic_id) === before) return take(topic_id, stored)
      // This process has saved it meanwhile: which of the two is newer, only the store knows.
      waiting.add(topic_id)
    } catch (error) {
      if (outage) missed.add(topic_id)
      else {
        const failures = retries.get(topic_id) ?? 0
        retries.set(topic_id, failures + 1)
        if (failures === 0) warn(`cannot read topic ${topic_id}; trying again`, error)
        const pause = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** failures)
        setTimeout(() => void refresh([topic_id]), pause).unref()
      }
    }
    return undefined
  }

  /** Compares everything that is known with the store, and reads again what differs. Nothing is gone meanwhile. */
  async function reload(): Promise<void> {
    const gone = new Set([...known.keys(), ...invalid.keys()])
    const differing: string[] = []
    for await (const stored of topics.all()) {
      const { topic_id } = stored
      gone.delete(topic_id)
      const before = known.get(topic_id)
      const isKnown =
        'topic' in stored ? before && isSame(before, stored.topic) : invalid.get(topic_id) === stored.invalid
      if (!isKnown) differing.push(topic_id)
    }
    await refresh([...differing, ...gone])
  }

  /** Reads every text once, so that an outage finds them in memory; what cannot be read is tried again. */
  async function readAhead(): Promise<void> {
    clearTimeout(ahead)
    if (await texts.readAhead(known.values())) return
    ahead = setTimeout(readAhead, AHEAD_RETRY_MS).unref()
  }

  function tell(taken: readonly (CatalogChange | undefined)[]): void {
    const changes = taken.filter((change) => change !== undefined)
    if (changes.length > 0) for (const listener of listeners) listener(changes)
  }

  function assertServable(): void {
    if (!outage || clock().getTime() - outage.since.getTime() <= staleIfErrorMs) return
    throw new AppError('unavailable', 'The store has been out of reach for too long.', { retryAfter: 5 })
  }

  function topic(topic_id: string): Topic {
    assertServable()
    const found = known.get(topic_id)
    if (!found) throw notFound(topic_id)
    return found
  }

  // Watch first, then load: what changes in between is read twice rather than missed.
  const watch = await topics.watch(async ({ topic_ids, reachable, reset, as_of, cause }) => {
    if (!reachable) {
      const since = clock()
      outage ??= { since, asOf: as_of ?? since }
      warn('the store cannot be reached; known prompts go on being served', cause)
      return
    }
    if (outage) {
      outage = undefined
      warn('the store is back')
      void readAhead()
    }
    const again = [...topic_ids, ...missed]
    missed.clear()
    await refresh(again)
    if (reset) await reload()
  })
  for await (const stored of topics.all()) takeIfNewer(stored)
  ahead = setTimeout(readAhead, READ_AHEAD_MS).unref()

  return {
    topic,
    published(topic_id) {
      const found = topic(topic_id)
      if (!found.is_active) throw notFound(topic_id)
      return found
    },
    texts: texts.get,
    list() {
      assertServable()
      sorted ??= [...known.values()].sort(byDisplayOrder)
      return sorted
    },
    invalid: () => invalid,
    staleSince: () => outage?.asOf,
    canServe: texts.canServe,
    catchUp: () => watch.catchUp(),
    accept(saved, newTexts = {}) {
      texts.put(saved, newTexts)
      tell([takeIfNewer({ topic_id: saved.topic_id, topic: saved })])
    },
    onChange(listener) {
      listeners.push(listener)
    },
    async close() {
      texts.close()
      clearTimeout(ahead)
      await watch.close()
    },
  }
}

/** Whether two records are the same; compared whole, because not everybody who changes one raises its revision. */
function isSame(one: Topic, other: Topic): boolean {
  return one.revision === other.revision && one.updated_at === other.updated_at && sameJson(one, other)
}
