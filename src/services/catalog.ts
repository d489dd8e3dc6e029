import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import type { Clock } from '../domain/clock.ts'
import { AppError, notFound } from '../domain/errors.ts'
import { sameJson } from '../domain/json.ts'
import type { PromptStore } from '../domain/prompt-store.ts'
import {
  type Bodies,
  byDisplayOrder,
  type PromptInfo,
  type StoredTopic,
  type Topic,
  type TopicRepository,
} from '../domain/topic.ts'

/** Most bytes of prompt bodies kept in memory. */
const MAX_BODIES_BYTES = 64 * 1024 * 1024

/** Most characters of texts kept together by topic, with whatever others have made of them. */
const MAX_HOT_CHARACTERS = 4 * 1024 * 1024

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
  bodies(topic: Topic): Promise<Bodies>

  /** All topics, deleted ones included, by `display_order`, then id. The same array until something changes. */
  list(): readonly Topic[]

  /** Topics that cannot be used, with the reason. */
  damaged(): ReadonlyMap<string, string>

  /** When the store cannot be reached: since when what is served may be old. */
  staleSince(): Date | undefined

  /** False while no text could be read yet although there are some: then nothing can be served. */
  canServe(): boolean

  /** See {@link StoreWatch.catchUp}: resolves when what is served is within the freshness bound; usually `undefined`. */
  catchUp(): Promise<void> | undefined

  /**
   * Takes over what this process has just saved, so that it is visible here at once.
   *
   * @param texts those that are new, by prompt type: they need no reading then.
   */
  accept(topic: Topic, texts?: Bodies): void

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
  const damaged = new Map<string, string>()
  const listeners: ((changes: readonly CatalogChange[]) => void)[] = []
  const bodies = new LRUCache<string, string>({
    maxSize: MAX_BODIES_BYTES,
    sizeCalculation: (body) => body.length * 2 + 1,
  })
  /** Texts of the topics that are asked for most. */
  const texts = new LRUCache<Topic, Bodies>({
    maxSize: MAX_HOT_CHARACTERS,
    sizeCalculation: (found) => Object.values(found).reduce((sum, text) => sum + text.length, 1),
  })
  let sorted: readonly Topic[] | undefined
  /** Set in an outage: since when the store cannot be reached, and of when what is known is. */
  let outage: { since: Date; asOf: Date } | undefined
  let closed = false
  let ahead: NodeJS.Timeout | undefined

  /** Replaces what is known of a topic. */
  function take(topic_id: string, stored: StoredTopic | undefined): CatalogChange | undefined {
    const before = known.get(topic_id)
    const after = stored && 'topic' in stored ? stored.topic : undefined
    if (stored && 'damage' in stored) {
      // What is wrong may quote the text, which a log must not hold; `doctor` tells all.
      if (!damaged.has(topic_id)) warn(`topic ${topic_id} is out until it is mended; see doctor`)
      damaged.set(topic_id, stored.damage)
    } else if (damaged.delete(topic_id)) {
      warn(`topic ${topic_id} is mended`)
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
      void readTexts(changes.flatMap((change) => change?.after ?? []))
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
    const gone = new Set([...known.keys(), ...damaged.keys()])
    const differing: string[] = []
    for await (const stored of topics.all()) {
      const { topic_id } = stored
      gone.delete(topic_id)
      const before = known.get(topic_id)
      const isKnown =
        'topic' in stored ? before && isSame(before, stored.topic) : damaged.get(topic_id) === stored.damage
      if (!isKnown) differing.push(topic_id)
    }
    await refresh([...differing, ...gone])
  }

  /** Reads every text once, so that an outage finds them in memory; what cannot be read is tried again. */
  async function readAhead(): Promise<void> {
    clearTimeout(ahead)
    if (await readTexts(known.values())) return
    ahead = setTimeout(readAhead, AHEAD_RETRY_MS).unref()
  }

  /** Reads texts, up to what the memory may hold. @returns whether all could be read. */
  async function readTexts(of: Iterable<Topic>): Promise<boolean> {
    let areRead = true
    for (const topic of of) {
      if (closed || (bodies.calculatedSize ?? 0) > MAX_BODIES_BYTES * 0.9) break
      const texts = await Promise.allSettled(topic.prompts.map((info) => body(topic.topic_id, info)))
      areRead &&= texts.every(({ status }) => status === 'fulfilled')
      await setImmediate()
    }
    return areRead
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

  /** How reading texts goes: whether any was ever read, and whether the last one was not. */
  const textReads = { areKnown: false, areOut: false }
  /** Texts that are being read: whoever else wants one waits for the same answer. */
  const coming = new Map<string, Promise<string>>()

  function body(topic_id: string, info: PromptInfo): string | Promise<string> {
    const key = keyOf(topic_id, info)
    return bodies.get(key) ?? coming.get(key) ?? readBody(key, topic_id, info)
  }

  function readBody(key: string, topic_id: string, info: PromptInfo): Promise<string> {
    const answer = prompts
      .read(topic_id, info)
      .then((text) => {
        bodies.set(key, text)
        textReads.areKnown = true
        textReads.areOut = false
        return text
      })
      .catch((error) => {
        if (!textReads.areOut) warn('texts cannot be read; those that are known go on being served', error)
        textReads.areOut = true
        throw error
      })
      .finally(() => coming.delete(key))
    coming.set(key, answer)
    return answer
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
    async bodies(of) {
      const assembled = texts.get(of)
      if (assembled) return assembled
      const found: Record<string, string> = {}
      const read = of.prompts.map((info) => body(of.topic_id, info))
      for (const [index, text] of (await Promise.all(read)).entries()) {
        found[(of.prompts[index] as PromptInfo).prompt_type] = text
      }
      texts.set(of, Object.freeze(found))
      return found
    },
    list() {
      assertServable()
      sorted ??= [...known.values()].sort(byDisplayOrder)
      return sorted
    },
    damaged: () => damaged,
    staleSince: () => outage?.asOf,
    canServe: () => textReads.areKnown || !textReads.areOut,
    catchUp: () => watch.catchUp(),
    accept(saved, texts = {}) {
      for (const info of saved.prompts) {
        const text = texts[info.prompt_type]
        if (text !== undefined) bodies.set(keyOf(saved.topic_id, info), text)
      }
      tell([takeIfNewer({ topic_id: saved.topic_id, topic: saved })])
    },
    onChange(listener) {
      listeners.push(listener)
    },
    async close() {
      closed = true
      clearTimeout(ahead)
      await watch.close()
    },
  }
}

/** The name of a text, which never changes. */
function keyOf(topic_id: string, { prompt_type, revision, sha256 }: PromptInfo): string {
  return `${topic_id}/${prompt_type}/${revision}/${sha256}`
}

/** Whether two records are the same; compared whole, because not everybody who changes one raises its revision. */
function isSame(one: Topic, other: Topic): boolean {
  return one.revision === other.revision && one.updated_at === other.updated_at && sameJson(one, other)
}
