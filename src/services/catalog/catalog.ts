import { AppError, notFound } from '../../domain/errors.ts'
import type { Figures } from '../../domain/telemetry.ts'
import { byDisplayOrder, type PromptTexts, type StoredTopic, type Topic } from '../../domain/topic.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { sameJson } from '../../util/json.ts'
import type { Clock } from '../../util/time.ts'

/** One topic before and after a change; a missing side means that it did not or does not exist. */
export interface CatalogChange {
  topic_id: string
  before?: Topic
  after?: Topic
}

/** What a catalogue tells of itself. */
type CatalogFigures = Omit<Figures, 'callsInFlight' | 'modelCallsRunning' | 'modelCallsWaiting'>

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
   * @throws AppError `not_found`, also for inactive and deleted topics.
   */
  published(topic_id: string): Topic

  /** The texts of all prompts of a topic: the same object every time, for a topic that {@link topic} answers. */
  texts(topic: Topic): Awaitable<PromptTexts>

  /** All topics, deleted ones included, by `display_order`, then id. The same array until something changes. */
  list(): readonly Topic[]

  /** Topics that cannot be used, with the reason. */
  invalid(): ReadonlyMap<string, string>

  /** Topics of which an edit in the store may be incomplete, with the reason; what was published last is served. */
  incomplete(): ReadonlyMap<string, string>

  /** How many topics there are, what their texts take, and how old what is known of the store is. */
  figures(): CatalogFigures

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

/** The records of a catalogue. Nothing here waits, or knows where records come from. */
export interface TopicRecords {
  get(topic_id: string): Topic | undefined
  /** In no particular order. */
  values(): Iterable<Topic>
  /** Ids of all topics, invalid ones included. */
  ids(): string[]
  /** By `display_order`, then id; the same array until a record changes. */
  list(): readonly Topic[]
  invalid(): ReadonlyMap<string, string>
  incomplete(): ReadonlyMap<string, string>

  /** Whether a store's topic is what is in here already. */
  has(stored: StoredTopic): boolean

  /**
   * Replaces a topic by what the store has, `undefined` if that is nothing.
   *
   * @returns the change; `undefined` when the record is the same as before.
   */
  upsert(topic_id: string, stored: StoredTopic | undefined): CatalogChange | undefined

  /** The same, unless the record in here has the same revision or a later one. */
  upsertIfNewer(stored: StoredTopic): CatalogChange | undefined
}

/** @param warn is told when a topic becomes invalid, and when it is valid again. */
export function createTopicRecords(warn: (message: string) => void): TopicRecords {
  const records = new Map<string, Topic>()
  const invalid = new Map<string, string>()
  const incomplete = new Map<string, string>()
  let sorted: readonly Topic[] | undefined

  function setInvalid(topic_id: string, reason: string | undefined): void {
    if (reason === undefined) {
      if (invalid.delete(topic_id)) warn(`topic ${topic_id} is valid again`)
      return
    }
    // The reason may quote the text, which a log must not hold; `doctor` shows it.
    if (!invalid.has(topic_id))
      warn(`topic ${topic_id} is invalid and not served until it is fixed; see doctor`)
    invalid.set(topic_id, reason)
  }

  const self: TopicRecords = {
    get: (topic_id) => records.get(topic_id),
    values: () => records.values(),
    ids: () => [...new Set([...records.keys(), ...invalid.keys()])],
    list() {
      sorted ??= [...records.values()].sort(byDisplayOrder)
      return sorted
    },
    invalid: () => invalid,
    incomplete: () => incomplete,
    has(stored) {
      const { topic_id } = stored
      if (!('topic' in stored)) return invalid.get(topic_id) === stored.invalid
      const reason = 'invalid' in stored ? stored.invalid : undefined
      return incomplete.get(topic_id) === reason && isSame(records.get(topic_id), stored.topic)
    },
    upsert(topic_id, stored) {
      const before = records.get(topic_id)
      const after = stored && 'topic' in stored ? stored.topic : undefined
      const reason = stored && 'invalid' in stored ? stored.invalid : undefined
      setInvalid(topic_id, after ? undefined : reason)
      if (after && reason !== undefined) incomplete.set(topic_id, reason)
      else incomplete.delete(topic_id)
      if (isSame(before, after)) return undefined
      if (after) records.set(topic_id, after)
      else records.delete(topic_id)
      sorted = undefined
      return { topic_id, ...(before && { before }), ...(after && { after }) }
    },
    upsertIfNewer(stored) {
      const before = records.get(stored.topic_id)
      const isOlder = before && 'topic' in stored && stored.topic.revision <= before.revision
      return isOlder ? undefined : self.upsert(stored.topic_id, stored)
    },
  }
  return self
}

/** Whether two records are the same; compared whole, because not everything that changes one raises its revision. */
function isSame(one: Topic | undefined, other: Topic | undefined): boolean {
  if (one === other) return true
  if (!one || !other) return false
  return one.revision === other.revision && one.updated_at === other.updated_at && sameJson(one, other)
}

/** Whether the store can be reached, and what may still be served when it cannot. */
export interface StoreReach {
  isLost(): boolean
  /** See {@link Catalog.staleSince}. */
  staleSince(): Date | undefined
  /** @param asOf the time that the records are of; by default now. */
  lose(asOf?: Date): void
  /** @returns whether it was lost before. */
  restore(): boolean
  /** @throws AppError `unavailable` when the store has been lost for too long. */
  assertServable(): void
}

/** @param staleIfErrorMs how long known topics are served while the store cannot be reached. */
export function createStoreReach(clock: Clock, staleIfErrorMs: number): StoreReach {
  let outage: { since: Date; asOf: Date } | undefined

  return {
    isLost: () => outage !== undefined,
    staleSince: () => outage?.asOf,
    lose(asOf) {
      const since = clock()
      outage ??= { since, asOf: asOf ?? since }
    },
    restore() {
      const wasLost = outage !== undefined
      outage = undefined
      return wasLost
    },
    assertServable() {
      if (!outage || clock().getTime() - outage.since.getTime() <= staleIfErrorMs) return
      throw new AppError('unavailable', 'The store has been out of reach for too long.', { retryAfter: 5 })
    },
  }
}

/** The reading half of a {@link Catalog}, over records that are kept up to date elsewhere. */
export function catalogReads(
  records: TopicRecords,
  reach: StoreReach,
): Pick<Catalog, 'topic' | 'published' | 'list' | 'invalid' | 'incomplete' | 'staleSince'> {
  function topic(topic_id: string): Topic {
    reach.assertServable()
    const record = records.get(topic_id)
    if (!record) throw notFound(topic_id)
    return record
  }

  return {
    topic,
    published(topic_id) {
      const record = topic(topic_id)
      if (!record.is_active) throw notFound(topic_id)
      return record
    },
    list() {
      reach.assertServable()
      return records.list()
    },
    invalid: records.invalid,
    incomplete: records.incomplete,
    staleSince: reach.staleSince,
  }
}
