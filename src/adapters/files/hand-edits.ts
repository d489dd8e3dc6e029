import { statSync } from 'node:fs'
import type { Layout } from './layout.ts'
import { signatureOf, type TopicFacts, topicFacts } from './signatures.ts'

/** How long no file may have changed before an edit counts that would take something out. */
export const SETTLE_MS = 5_000
/** For how long at most a topic waits for edits of others. */
const MAX_SETTLE_MS = 60_000
/** How old a file must be to be read as complete: many tools empty a file first, and then write it. */
const WRITTEN_MS = 100

interface HandEdit {
  /** What the files looked like when they were seen last. */
  signature: string
  /** When one of them changed last, by the clock of `performance.now()`. */
  writtenAt: number
  /** Milliseconds for which that was too young to be complete, when they were seen last. */
  unwrittenMs: number
  /** The same as `writtenAt`, or a little later: when a file has gone, only the time of the folder that it was in is left. */
  since: number
  /** True when it was found invalid for good; see {@link HandEdits.takeOut}. */
  isOut: boolean
  /** True when nothing is left to wait for, until the files change again. */
  isDecided: boolean
}

/**
 * Edits by hand that are not published, and how long their files have been quiet.
 *
 * Files that belong together arrive one after the other, in the order of the tool that writes them: a checkout, a copy.
 * What is incomplete must not count before the tool is through, so quiet means that no topic was edited by hand.
 */
export interface HandEdits {
  /** Looks at the files of a topic that do not show its record. @returns milliseconds since the last change. */
  quietMs(topic_id: string): number
  /** Milliseconds until the files, as they were at the last look, are old enough to be read as complete; 0 if they were. */
  unwrittenMs(topic_id: string): number
  /** The topic's files are invalid for good: it is out until they are valid, so that it does not come and go. */
  takeOut(topic_id: string): void
  isOut(topic_id: string): boolean
  /** The topic's files show its record. */
  end(topic_id: string): void
  /** The topics whose files have become quiet, which no event tells. */
  due(): string[]
}

export function handEdits(layout: Layout, settleMs: number): HandEdits {
  const edits = new Map<string, HandEdit>()
  /** When any topic was edited last. */
  let lastSince = -Infinity
  const openedAt = performance.now()

  function quietSince({ since }: HandEdit): number {
    return Math.max(since, Math.min(lastSince, since + MAX_SETTLE_MS - settleMs))
  }

  return {
    quietMs(topic_id) {
      const facts = topicFacts(layout, topic_id)
      const signature = signatureOf(facts)
      const now = performance.now()
      let edit = edits.get(topic_id)
      if (edit?.signature !== signature) {
        const isOut = edit?.isOut ?? false
        const times = changeTimes(layout, facts)
        // A start can only go by the files. Later a change is noticed as it happens, whatever clock the drive has.
        const since = now - openedAt < settleMs ? times.since : now
        edit = { signature, ...times, since, unwrittenMs: 0, isOut, isDecided: false }
        edits.set(topic_id, edit)
        lastSince = Math.max(lastSince, edit.since)
      }
      edit.unwrittenMs = Math.max(0, edit.writtenAt + WRITTEN_MS - now)
      return now - quietSince(edit)
    },
    unwrittenMs: (topic_id) => edits.get(topic_id)?.unwrittenMs ?? 0,
    takeOut(topic_id) {
      const edit = edits.get(topic_id)
      if (edit) edit.isOut = edit.isDecided = true
    },
    isOut: (topic_id) => edits.get(topic_id)?.isOut ?? false,
    end: (topic_id) => void edits.delete(topic_id),
    due() {
      const now = performance.now()
      const isDue = (edit: HandEdit) => !edit.isDecided && now - quietSince(edit) >= settleMs
      return [...edits].filter(([, edit]) => isDue(edit)).map(([topic_id]) => topic_id)
    },
  }
}

/**
 * When the files of a topic changed last, by the clock of `performance.now()`. Never in the future: a drive in the
 * network may have a clock of its own.
 */
function changeTimes(layout: Layout, facts: TopicFacts): Pick<HandEdit, 'writtenAt' | 'since'> {
  const { definition, folder, texts } = facts
  const written = Math.max(...[definition, folder, ...texts.values()].map(({ changedAt }) => changedAt))
  const folders = [layout.topics, layout.prompts].map((path) => statSync(path).mtimeMs)
  const toOwnClock = (time: number) => performance.now() - Math.max(0, Date.now() - time)
  return { writtenAt: toOwnClock(written), since: toOwnClock(Math.max(written, ...folders)) }
}
