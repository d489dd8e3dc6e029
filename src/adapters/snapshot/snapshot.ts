import { dirname } from 'node:path'
import * as z from 'zod'
import type { PromptStore } from '../../domain/prompt-store.ts'
import type { SnapshotSource } from '../../domain/snapshot-source.ts'
import { type PromptInfo, type StoreWatch, Topic, type TopicRepository } from '../../domain/topic.ts'
import { readTextFile, replaceFile } from '../files/durable.ts'

/** A copy of everything that is served, on the local disk. */
const Snapshot = z.object({
  /** See {@link SnapshotFile.store}. */
  store: z.string(),
  as_of: z.iso.datetime(),
  topics: z.array(z.object({ topic: Topic, bodies: z.record(z.string(), z.string()) })),
})
type Snapshot = z.infer<typeof Snapshot>

/** The file that holds the copy of a store. */
export interface SnapshotFile {
  path: string
  /** Names the store: the copy of another one is never served. */
  store: string
}

interface Store {
  topics: TopicRepository
  prompts: PromptStore
}

/** Changes that come close together are written together. */
const DEBOUNCE_MS = 2_000
/** How long a copy stays in memory for texts that cannot be read: they are asked for one by one. */
const KEEP_MS = 30_000
/** Time between attempts to reach a store that was out of reach at the start. */
const RETRY_MS = 500

/**
 * A store that an instance can start with while it is out of reach, if there is a snapshot of it. The snapshot is served,
 * marked as stale, until the store answers. Single texts that cannot be read come from the snapshot, too, if it has
 * them: a text of the same hash is the same text.
 */
export function withSnapshot(store: Store, file: SnapshotFile): Store {
  const { topics, prompts } = store
  /** Set while the snapshot stands in for the store. */
  let standIn: Snapshot | undefined
  /** Set for {@link KEEP_MS} after a look at the file, also if there was no snapshot. */
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
          try {
            await listener({ topic_ids: [], reachable: true, reset: true })
          } catch (error) {
            await watch.close()
            throw error
          }
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

/** Begins to watch as soon as `begin` succeeds. */
function watchLater(begin: () => Promise<StoreWatch>): StoreWatch {
  let watch: StoreWatch | undefined
  let closed = false
  let timer: NodeJS.Timeout | undefined
  const startedAt = performance.now()
  const schedule = () => {
    if (!closed) timer = setTimeout(tryNow, RETRY_MS).unref()
  }
  const tryNow = async () => {
    try {
      watch = await begin()
      if (closed) await watch.close()
    } catch {
      // The start has warned already that the store is out of reach.
      schedule()
    }
  }
  schedule()
  return {
    catchUp: () => watch?.catchUp(),
    ageMs: () => watch?.ageMs() ?? performance.now() - startedAt,
    async close() {
      closed = true
      clearTimeout(timer)
      await watch?.close()
    },
  }
}

/** `undefined`: there is none, or not one of this store. Then the instance needs its store, as without a snapshot. */
function readSnapshot({ path, store }: SnapshotFile): Snapshot | undefined {
  try {
    const snapshot = Snapshot.parse(JSON.parse(readTextFile(path)))
    return snapshot.store === store ? snapshot : undefined
  } catch {
    return undefined
  }
}

/**
 * Keeps the snapshot up to date, in a folder that exists: soon after the start and after every change.
 *
 * @param warn called when it cannot be written; the instance goes on without.
 */
export function keepSnapshot(
  file: SnapshotFile,
  source: SnapshotSource,
  warn: (message: string, cause?: unknown) => void,
): void {
  let isDue = false
  const write = async () => {
    isDue = false
    try {
      if (source.staleSince()) schedule()
      else await writeSnapshot(file, source)
    } catch (error) {
      warn(`cannot write the snapshot ${file.path}`, error)
    }
  }
  const schedule = () => {
    if (!isDue) setTimeout(write, DEBOUNCE_MS).unref()
    isDue = true
  }
  source.onChange(schedule)
  schedule()
}

async function writeSnapshot({ path, store }: SnapshotFile, source: SnapshotSource): Promise<void> {
  const as_of = new Date().toISOString()
  const topics: Snapshot['topics'] = []
  for (const topic of source.list()) topics.push({ topic, bodies: await source.texts(topic) })
  const snapshot: Snapshot = { store, as_of, topics }
  // Prompts are for the owner of the process alone.
  await replaceFile({ tmp: dirname(path) }, path, JSON.stringify(snapshot), 0o600)
}
