import { LRUCache } from 'lru-cache'
import type { Observer } from '../../domain/telemetry.ts'
import type { TopicUsage } from '../../domain/topic-usage.ts'
import type { Clock } from '../../util/time.ts'

const HOUR_MS = 3_600_000
const HOURS = 24
/** Topics that are counted; of more, those that were used last. */
const MAX_TOPICS = 10_000

/** Counts of one topic by the hour: `counts` is a ring that ends with `hour`. */
interface Entry {
  hour: number
  counts: Uint32Array
  at: number
  caller: string
}

/** Counts the use of topics in memory, from what an observer is told. */
export function topicUsage(clock: Clock): TopicUsage & { observe: Observer } {
  const since = clock()
  const entries = new LRUCache<string, Entry>({ max: MAX_TOPICS })

  function count(topic_id: string, caller: string, at: number): void {
    const hour = Math.floor(at / HOUR_MS)
    let entry = entries.get(topic_id)
    if (!entry) {
      entry = { hour, counts: new Uint32Array(HOURS), at, caller }
      entries.set(topic_id, entry)
    }
    turnTo(hour, entry)
    const place = entry.hour % HOURS
    entry.counts[place] = (entry.counts[place] as number) + 1
    Object.assign(entry, { at, caller })
  }

  return {
    observe({ served, caller, role }) {
      if (!served) return
      const at = clock().getTime()
      // Who talks to a coach is nobody else's business.
      const named = role === 'user' ? '(user)' : caller
      for (const topic_id of served) count(topic_id, named, at)
    },

    of(topic_id) {
      const entry = entries.get(topic_id)
      if (!entry) return { calls: 0, since }
      turnTo(Math.floor(clock().getTime() / HOUR_MS), entry)
      const calls = entry.counts.reduce((sum, one) => sum + one, 0)
      return { calls, last: { at: new Date(entry.at), caller: entry.caller }, since }
    },
  }
}

/** Makes `hour` the newest one of the ring. A clock that is set back goes on in the hour that it had reached. */
function turnTo(hour: number, entry: Entry): void {
  const passed = Math.min(HOURS, hour - entry.hour)
  if (passed <= 0) return
  for (let back = 0; back < passed; back++) entry.counts[(hour - back) % HOURS] = 0
  entry.hour = hour
}
