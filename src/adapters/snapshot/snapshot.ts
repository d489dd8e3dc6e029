import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import * as z from 'zod'
import type { PromptStore } from '../../domain/prompt-store.ts'
import { type Bodies, type StoreWatch, Topic, type TopicRepository } from '../../domain/topic.ts'

/** A copy of everything that is served, on the local disk. */
const Snapshot = z.object({
  as_of: z.iso.datetime(),
  topics: z.array(z.object({ topic: Topic, bodies: z.record(z.string(), z.string()) })),
})
type Snapshot = z.infer<typeof Snapshot>

interface Store {
  topics: TopicRepository
  prompts: PromptStore
}

/** Changes that come close together are written together. */
const SETTLE_MS = 2_000
/** How soon a store that could not be reached at the start is tried again. */
const RETRY_MS = 500

/**
 * A store that an instance can start with while it is out of reach, if there is a snapshot of it at `path`. What is
 * known then is the snapshot, marked as stale, until the store answers.
 */
export function withSnapshot(store: Store, path: string): Store {
  const { topics, prompts } = store
  /** Set while the snapshot stands in for the store. */
  let standIn: Snapshot | undefined

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
          standIn = readSnapshot(path)
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
        const known = standIn?.topics.find(({ topic }) => topic.topic_id === topic_id)
        const isSame = known?.topic.prompts.some(({ sha256 }) => sha256 === info.sha256)
        return (isSame && known?.bodies[info.prompt_type]) || prompts.read(topic_id, info)
      },
    },
  }
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

function readSnapshot(path: string): Snapshot | undefined {
  try {
    return Snapshot.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // None yet, or one of another making: then the instance needs its store, as without a snapshot.
    return undefined
  }
}

/** What a snapshot is taken of. */
export interface Served {
  list(): readonly Topic[]
  bodies(topic: Topic): Promise<Bodies>
  /** What is stale is not worth keeping: it may itself come from the snapshot. */
  staleSince(): Date | undefined
  onChange(listener: () => void): void
}

/**
 * Keeps the snapshot at `path`, in a folder that is there, up to date: soon after the start and after every change.
 *
 * @param warn told when it cannot be written; the instance goes on without.
 */
export function keepSnapshot(
  path: string,
  served: Served,
  warn: (message: string, cause?: unknown) => void,
): void {
  let isDue = false
  const write = async () => {
    isDue = false
    try {
      if (served.staleSince()) schedule()
      else await writeSnapshot(path, served)
    } catch (error) {
      warn(`cannot write the snapshot ${path}`, error)
    }
  }
  const schedule = () => {
    if (!isDue) setTimeout(write, SETTLE_MS).unref()
    isDue = true
  }
  served.onChange(schedule)
  schedule()
}

async function writeSnapshot(path: string, served: Served): Promise<void> {
  const as_of = new Date().toISOString()
  const topics: Snapshot['topics'] = []
  for (const topic of served.list()) topics.push({ topic, bodies: await served.bodies(topic) })
  const snapshot: Snapshot = { as_of, topics }
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
