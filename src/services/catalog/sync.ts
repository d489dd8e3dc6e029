import pMap from 'p-map'
import type { PromptStore } from '../../domain/prompt-store.ts'
import type { StoreEvent, StoreWatch, TopicRepository } from '../../domain/topic.ts'
import { backoffMs, type Clock } from '../../util/time.ts'
import {
  type Catalog,
  type CatalogChange,
  catalogReads,
  createStoreReach,
  createTopicRecords,
  type StoreReach,
  type TopicRecords,
} from './catalog.ts'
import { createTextCache, type TextCache } from './text-cache.ts'

/** Topics read at the same time, and reported together. */
const CONCURRENCY = 16
const BATCH = 500
/** When to read again a topic that could not be read. */
const RETRY = { firstMs: 1_000, mostMs: 60_000 }
/** Texts are read ahead once the first clients have been served, and again when some could not be read. */
const READ_AHEAD_MS = 2_000
const READ_AHEAD_RETRY_MS = 10_000

type Warn = (message: string, cause?: unknown) => void

/** What keeps a catalogue like its store. */
interface SyncParts {
  topics: TopicRepository
  records: TopicRecords
  reach: StoreReach
  texts: TextCache
  warn: Warn
  notify(changes: readonly (CatalogChange | undefined)[]): void
}

/**
 * Loads all topics and follows the store.
 *
 * @param staleIfErrorMs how long known topics are served while the store cannot be reached; then `unavailable`.
 * @example
 * const catalog = await openCatalog({ topics, prompts, clock, staleIfErrorMs: 60_000, warn })
 * const texts = await catalog.texts(catalog.published('greeting'))
 */
export async function openCatalog(options: {
  topics: TopicRepository
  prompts: PromptStore
  clock: Clock
  staleIfErrorMs: number
  warn: Warn
}): Promise<Catalog> {
  const { topics, prompts, clock, staleIfErrorMs, warn } = options
  const records = createTopicRecords(warn)
  const reach = createStoreReach(clock, staleIfErrorMs)
  const texts = createTextCache(prompts, warn, (topic) => records.get(topic.topic_id) === topic)
  const listeners: ((changes: readonly CatalogChange[]) => void)[] = []

  function notify(found: readonly (CatalogChange | undefined)[]): void {
    const changes = found.filter((change) => change !== undefined)
    if (changes.length === 0) return
    for (const { before } of changes) if (before) texts.forget(before)
    for (const listener of listeners) listener(changes)
  }

  const sync = await startSync({ topics, records, reach, texts, warn, notify })
  return {
    ...catalogReads(records, reach),
    texts: texts.get,
    canServe: texts.canServe,
    figures: () => ({
      topics: records.list().length,
      invalidTopics: records.invalid().size,
      ...texts.figures(),
      storeReadAgeMs: sync.ageMs(),
      staleMs: clock().getTime() - (reach.staleSince() ?? clock()).getTime(),
    }),
    catchUp: sync.catchUp,
    accept(saved, newTexts = {}) {
      texts.put(saved, newTexts)
      notify([records.upsertIfNewer({ topic_id: saved.topic_id, topic: saved })])
    },
    onChange(listener) {
      listeners.push(listener)
    },
    async close() {
      texts.close()
      await sync.close()
    },
  }
}

async function startSync(parts: SyncParts): Promise<StoreWatch> {
  const { topics, records } = parts
  const reader = createTopicReader(parts)
  const readAhead = createReadAhead(parts)
  // Watch first, then load: what changes in between is read twice rather than missed.
  const watch = await topics.watch((event) => follow(parts, reader, readAhead, event))
  for await (const stored of topics.all()) records.upsertIfNewer(stored)
  readAhead.start(READ_AHEAD_MS)

  return {
    catchUp: () => watch.catchUp(),
    ageMs: () => watch.ageMs(),
    async close() {
      readAhead.close()
      await watch.close()
    },
  }
}

/** Takes over what happened to the store. */
async function follow(
  { topics, records, reach, warn }: SyncParts,
  reader: TopicReader,
  readAhead: ReadAhead,
  { topic_ids, reachable, reset, as_of, cause }: StoreEvent,
): Promise<void> {
  if (!reachable) {
    reach.lose(as_of)
    warn('the store cannot be reached; known prompts go on being served', cause)
    return
  }
  if (reach.restore()) {
    warn('the store is back')
    readAhead.start(0)
  }
  await reader.refresh([...topic_ids, ...reader.drainMissed()])
  if (reset) await reader.refresh(await differing(topics, records))
}

/** Ids of the topics of which the store and the catalogue say different things. Nothing is removed meanwhile. */
async function differing(topics: TopicRepository, records: TopicRecords): Promise<string[]> {
  const gone = new Set(records.ids())
  const changed: string[] = []
  for await (const stored of topics.all()) {
    gone.delete(stored.topic_id)
    if (!records.has(stored)) changed.push(stored.topic_id)
  }
  return [...changed, ...gone]
}

interface TopicReader {
  /** Reads topics again; resolves when these and all that waited before have been read. */
  refresh(topic_ids: readonly string[]): Promise<void>
  /** The topics that could not be read in an outage; each is answered once. */
  drainMissed(): string[]
}

/** Reads topics from the store, one batch at a time, so that no answer overtakes a later one. */
function createTopicReader({ topics, records, reach, texts, warn, notify }: SyncParts): TopicReader {
  const waiting = new Set<string>()
  const missed = new Set<string>()
  /** How many times in a row a topic could not be read. */
  const failures = new Map<string, number>()
  let reading: Promise<void> | undefined

  async function readWaiting(): Promise<void> {
    try {
      while (waiting.size > 0) {
        const batch = [...waiting].slice(0, BATCH)
        for (const topic_id of batch) waiting.delete(topic_id)
        const changes = await pMap(batch, read, { concurrency: CONCURRENCY })
        notify(changes)
        // So that an outage that begins now finds the new texts in memory, too.
        void texts.readAhead(changes.flatMap((change) => change?.after ?? []))
      }
    } finally {
      reading = undefined
    }
  }

  async function read(topic_id: string): Promise<CatalogChange | undefined> {
    const before = records.get(topic_id)
    try {
      const stored = await topics.get(topic_id)
      failures.delete(topic_id)
      if (records.get(topic_id) === before) return records.upsert(topic_id, stored)
      // This process has saved it meanwhile: which of the two is newer, only the store knows.
      waiting.add(topic_id)
    } catch (error) {
      if (reach.isLost()) missed.add(topic_id)
      else retry(topic_id, error)
    }
    return undefined
  }

  function retry(topic_id: string, error: unknown): void {
    const count = (failures.get(topic_id) ?? 0) + 1
    failures.set(topic_id, count)
    if (count === 1) warn(`cannot read topic ${topic_id}; trying again`, error)
    setTimeout(() => void refresh([topic_id]), backoffMs(RETRY, count)).unref()
  }

  function refresh(topic_ids: readonly string[]): Promise<void> {
    for (const topic_id of topic_ids) waiting.add(topic_id)
    if (waiting.size > 0) reading ??= readWaiting()
    return reading ?? Promise.resolve()
  }

  return {
    refresh,
    drainMissed() {
      const ids = [...missed]
      missed.clear()
      return ids
    },
  }
}

interface ReadAhead {
  /** Reads ahead after `ms` milliseconds, and again until every text could be read. */
  start(ms: number): void
  close(): void
}

/** Reads every text once, so that an outage finds them in memory. */
function createReadAhead({ texts, records }: SyncParts): ReadAhead {
  let timer: NodeJS.Timeout | undefined

  async function run(): Promise<void> {
    if (!(await texts.readAhead(records.values()))) start(READ_AHEAD_RETRY_MS)
  }

  function start(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(run, ms).unref()
  }

  return { start, close: () => clearTimeout(timer) }
}
