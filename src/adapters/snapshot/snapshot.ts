import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import * as z from 'zod'
import type { Awaitable } from '../../domain/awaitable.ts'
import type { PromptStore } from '../../domain/prompt-store.ts'
import {
  type PromptInfo,
  type PromptTexts,
  type StoreWatch,
  Topic,
  type TopicRepository,
} from '../../domain/topic.ts'

/** A copy of everything that is served, on the local disk. */
const Snapshot = z.object({
  /** See {@link SnapshotFile.store}. */
  store: z.string(),
  as_of: z.iso.datetime(),
  topics: z.array(z.object({ topic: Topic, bodies: z.record(z.string(), z.string()) })),
})
type Snapshot = z.infer<typeof Snapshot>

/** Where the copy of a store is kept. */
export interface SnapshotFile {
  path: string
  /** Which store it is a copy of: another one's is never served. */
  store: string
}

interface Store {
  topics: TopicRepository
  prompts: PromptStore
}

/** Changes that come close together are written together. */
const SETTLE_MS = 2_000
/** How long a copy stays in memory for texts that cannot be read: they are asked for one by one. */
const KEEP_MS = 30_000
/** How soon a store that could not be reached at the start is tried again. */
const RETRY_MS = 500

/**
 * A store that an instance can start with while it is out of reach, if there is a snapshot of it. What is known then is
 * the snapshot, marked as stale, until the store answers. Single texts that cannot be read come from the snapshot, too,
 * if it has them: a text of the same hash is the same text.
 */
export function withSnapshot(store: Store, file: SnapshotFile): Store {
  const { topics, prompts } = store
  /** Set while the snapshot stands in for the store. */
  let standIn: Snapshot | undefined
  /** Also that there is none is remembered. */
  let copy: { snapshot: Snapshot | undefined } | undefined

  function readCopy(): Snapshot | undefined {
    if (!copy) {
      copy = { snapshot: readSnapshot(file) }
      setTimeout(() => {
        copy = undefined
      }, KEEP_MS).unref()
    }
    return copy.snapshot
  }

  return {
    topics: {
      ...topics,

      async *all() {
        if (!standIn) return yield* topics.all()
        for (const { topic } of standIn.topics) yield { topic_id: topic.topic_id, topic }
      },

      async watch(listener) {
        try {
          return await topics.watch(listener)
        } catch (error) {
          standIn = readSnapshot(file)
          if (!standIn) throw error
        }
        await listener({ topic_ids: [], reachable: false, as_of: new Date(standIn.as_of) })
        return watchLater(async () => {
          const watch = await topics.watch(listener)
          standIn = undefined
          await listener({ topic_ids: [], reachable: true, reset: true })
          return watch
        })
      },
    },

    prompts: {
      ...prompts,
      async read(topic_id, info) {
        const atHand = textIn(standIn, topic_id, info)
        if (atHand !== undefined) return atHand
        try {
          return await prompts.read(topic_id, info)
        } catch (error) {
          const copied = textIn(readCopy(), topic_id, info)
          if (copied === undefined) throw error
          return copied
        }
      },
    },
  }
}

function textIn(snapshot: Snapshot | undefined, topic_id: string, info: PromptInfo): string | undefined {
  const found = snapshot?.topics.find(({ topic }) => topic.topic_id === topic_id)
  const copied = found?.topic.prompts.find(({ prompt_type }) => prompt_type === info.prompt_type)
  return copied && copied.sha256 === info.sha256 ? found?.bodies[info.prompt_type] : undefined
}

/** Begins to watch as soon as that works. */
function watchLater(begin: () => Promise<StoreWatch>): StoreWatch {
  let watch: StoreWatch | undefined
  let closed = false
  let timer: NodeJS.Timeout | undefined
  const schedule = () => {
    if (!closed) timer = setTimeout(tryNow, RETRY_MS).unref()
  }
  const tryNow = async () => {
    try {
      watch = await begin()
      if (closed) await watch.close()
    } catch {
      // Said once already, when the start found the store out of reach.
      schedule()
    }
  }
  schedule()
  return {
    catchUp: () => watch?.catchUp(),
    async close() {
      closed = true
      clearTimeout(timer)
      await watch?.close()
    },
  }
}

/** `undefined`: none yet, or one of another making. Then the instance needs its store, as without a snapshot. */
function readSnapshot({ path, store }: SnapshotFile): Snapshot | undefined {
  try {
    const snapshot = Snapshot.parse(JSON.parse(readFileSync(path, 'utf8')))
    return snapshot.store === store ? snapshot : undefined
  } catch {
    return undefined
  }
}

/** What a snapshot is taken of. */
export interface Served {
  list(): readonly Topic[]
  texts(topic: Topic): Awaitable<PromptTexts>
  /** What is stale is not worth keeping: it may itself come from the snapshot. */
  staleSince(): Date | undefined
  onChange(listener: () => void): void
}

/**
 * Keeps the snapshot, in a folder that is there, up to date: soon after the start and after every change.
 *
 * @param warn told when it cannot be written; the instance goes on without.
 */
export function keepSnapshot(
  file: SnapshotFile,
  served: Served,
  warn: (message: string, cause?: unknown) => void,
): void {
  let isDue = false
  const write = async () => {
    isDue = false
    try {
      if (served.staleSince()) schedule()
      else await writeSnapshot(file, served)
    } catch (error) {
      warn(`cannot write the snapshot ${file.path}`, error)
    }
  }
  const schedule = () => {
    if (!isDue) setTimeout(write, SETTLE_MS).unref()
    isDue = true
  }
  served.onChange(schedule)
  schedule()
}

async function writeSnapshot({ path, store }: SnapshotFile, served: Served): Promise<void> {
  const as_of = new Date().toISOString()
  const topics: Snapshot['topics'] = []
  for (const topic of served.list()) topics.push({ topic, bodies: await served.texts(topic) })
  const snapshot: Snapshot = { store, as_of, topics }
  const temporary = `${path}.${process.pid}.tmp`
  try {
    // Prompts are nobody else's business.
    await writeFile(temporary, JSON.stringify(snapshot), { mode: 0o600 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
