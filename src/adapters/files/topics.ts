import { existsSync, statSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { pMapIterable } from 'p-map'
import { AppError } from '../../domain/errors.ts'
import { promptKey } from '../../domain/prompt-store.ts'
import type { PromptTexts, StoredTopic, Topic, TopicContent, TopicRepository } from '../../domain/topic.ts'
import type { Clock } from '../../util/time.ts'
import { BY_HAND, editedByHand } from './edited-record.ts'
import { type HandEdits, handEdits, SETTLE_MS } from './hand-edits.ts'
import { type Layout, storeFailure, topicIdsIn } from './layout.ts'
import { fileLocks } from './lock.ts'
import { changesToShow, showState, unwritableFile } from './shown-files.ts'
import { nextState, readState, type TopicState, writeState } from './state.ts'
import { writeVersion } from './versions.ts'
import { watchFolders } from './watch.ts'
import { readWorkingCopy, showsTopic } from './working-copy.ts'

/** Topics read at the same time: those edited by hand wait for the disk. */
const CONCURRENCY = 16
/** Topics read before timers have their turn: reads of unchanged ones never wait, and locks of the others must be refreshed. */
const READ_TOGETHER = 100
/** How often files that are just being written are looked at again before they count as an incomplete edit. */
const MAX_LOOKS = 10

/** What a files store works with. */
interface Store {
  layout: Layout
  clock: Clock
  edits: HandEdits
  /** See {@link SETTLE_MS}. */
  settleMs: number
  /** Works on a topic with its lock held; every change of a file makes sure that it still is. */
  locked<T>(
    topic_id: string,
    work: (held: Layout) => Promise<T>,
    options?: { isRepeatable: boolean },
  ): Promise<T>
  warn: (message: string) => void
}

/**
 * Topics in a folder that people can read, edit and keep in git.
 *
 * Truth is `state/{topic_id}.json`: a change happens when that file is replaced. The texts it speaks of are
 * durable before, the files that people see follow after, and `pending` tells the next reader that finds them out of
 * step that a writer died in between. Out of step without `pending` means that a person edited the files. A valid edit
 * is published as a new revision. While files are invalid or missing, they may be incomplete, and what was published
 * last is served; once they have been quiet for `settleMs`, missing files are deleted ones, and invalid ones stop serving
 * the topic until they are fixed.
 *
 * @param freshnessMs how soon changes by other processes and by hand are noticed.
 */
export function fileTopics(
  layout: Layout,
  {
    clock,
    freshnessMs,
    settleMs = SETTLE_MS,
    warn,
  }: { clock: Clock; freshnessMs: number; settleMs?: number; warn: (message: string) => void },
): TopicRepository {
  const withLock = fileLocks(layout)
  const edits = handEdits(layout, settleMs)
  const store: Store = {
    layout,
    clock,
    edits,
    settleMs,
    warn,
    locked: (topic_id, work, options) =>
      withLock(topic_id, (assertHeld) => work({ ...layout, assertHeld }), options),
  }
  const get = (topic_id: string) => readTopic(store, topic_id)

  return {
    get,

    async *all() {
      const getInTurn = async (topic_id: string, index: number) => {
        if (index % READ_TOGETHER === 0) await setImmediate()
        return get(topic_id)
      }
      for await (const stored of pMapIterable(topicIds(layout), getInTurn, { concurrency: CONCURRENCY })) {
        if (stored) yield stored
      }
    },

    async save(topic, changed) {
      const texts = structuredClone(changed)
      try {
        assertPresent(layout)
        return await store.locked(topic.topic_id, (held) => publish(store, held, topic, texts))
      } catch (error) {
        throw error instanceof AppError ? error : storeFailure(layout.root, error)
      }
    },

    watch: (listener) =>
      watchFolders(layout, {
        freshnessMs,
        warn,
        topicIds: () => topicIds(layout),
        dueEdits: edits.due,
        listener,
      }),
  }
}

async function readTopic(store: Store, topic_id: string): Promise<StoredTopic | undefined> {
  const { layout } = store
  let state: TopicState | undefined
  try {
    assertPresent(layout)
    state = readState(layout, topic_id)
    const copy = readWorkingCopy(layout, topic_id)
    if (!state && !copy) return undefined
    if (state && !state.pending && isInStep(copy, state)) {
      store.edits.end(topic_id)
      return { topic_id, topic: state.topic }
    }
    return await readEdited(store, topic_id)
  } catch (error) {
    // What was published is whole, also where its files cannot be completed now (a full disk, say).
    if (state?.pending) return { topic_id, topic: state.topic }
    if (error instanceof AppError) throw error
    if (isOutage(layout, error)) throw storeFailure(layout.root, error)
    return { topic_id, invalid: (error as Error).message }
  }
}

/** Reads a topic whose files do not show its record, and waits a little for files that are just being written. */
async function readEdited(store: Store, topic_id: string): Promise<StoredTopic | undefined> {
  for (let looks = 1; ; looks++) {
    // Half-shown files may be a writer at work; only with the lock held they are invalid or an edit.
    const recovery = (held: Layout) => recover(store, held, topic_id)
    const stored = await store.locked(topic_id, recovery, { isRepeatable: true })
    const waitMs = store.edits.unwrittenMs(topic_id)
    if (waitMs === 0 || looks === MAX_LOOKS) return stored
    await setTimeout(waitMs)
  }
}

/** Completes what a dead writer began, then publishes what a person changed, if that is complete. */
async function recover(store: Store, held: Layout, topic_id: string): Promise<StoredTopic | undefined> {
  const { edits } = store
  assertPresent(held)
  let state = readState(held, topic_id)
  if (state?.pending) state = await showState(held, state)
  const copy = readWorkingCopy(held, topic_id)
  if (isInStep(copy, state)) {
    edits.end(topic_id)
    return state && { topic_id, topic: state.topic }
  }
  const isQuiet = edits.quietMs(topic_id) >= store.settleMs
  if (typeof copy === 'string') {
    if (isQuiet) edits.takeOut(topic_id)
    return servedBefore(store, state, { topic_id, invalid: copy })
  }
  const missing = missingFiles(copy, state)
  if (missing.length > 0 ? !isQuiet : edits.unwrittenMs(topic_id) > 0) {
    return servedBefore(store, state, { topic_id, invalid: incompleteBecause(missing) })
  }
  const topic = await publishEdit(store, held, copy, state)
  edits.end(topic_id)
  return { topic_id, topic }
}

function isInStep(copy: TopicContent | string | undefined, state: TopicState | undefined): boolean {
  if (!state) return copy === undefined
  return typeof copy !== 'string' && showsTopic(copy, state.topic)
}

/** What was published last goes on being served while an edit may be incomplete. */
function servedBefore(
  { edits }: Store,
  state: TopicState | undefined,
  stored: { topic_id: string; invalid: string },
): StoredTopic {
  return state && !edits.isOut(stored.topic_id) ? { ...stored, topic: state.topic } : stored
}

/** Files of the published topic that are gone. */
function missingFiles(copy: TopicContent | undefined, state: TopicState | undefined): string[] {
  if (!state || state.topic.deleted_at !== undefined) return []
  const { topic_id, prompts } = state.topic
  if (!copy) return [`topics/${topic_id}.json`]
  return prompts
    .map(({ prompt_type }) => prompt_type)
    .filter((type) => copy.texts[type] === undefined)
    .map((type) => promptKey(topic_id, type))
}

function incompleteBecause(missing: readonly string[]): string {
  return missing.length > 0
    ? `${missing.join(', ')} cannot be found; once the files have been quiet for some seconds, that counts as deleted.`
    : 'its files are just being written.'
}

/** Publishes what the files show. */
async function publishEdit(
  { clock }: Store,
  held: Layout,
  copy: TopicContent | undefined,
  state: TopicState | undefined,
): Promise<Topic> {
  const topic = editedByHand(copy, state, clock().toISOString())
  for (const info of topic.prompts) {
    const text = copy?.texts[info.prompt_type]
    if (info.updated_by === BY_HAND && text !== undefined)
      await writeVersion(held, topic.topic_id, info, text)
  }
  await writeState(held, nextState(state, topic, false))
  return topic
}

/** Publishes the next revision of a topic; see {@link TopicRepository.save}. */
async function publish(store: Store, held: Layout, topic: Topic, changed: PromptTexts): Promise<Topic> {
  const { topic_id } = topic
  const stored = await recover(store, held, topic_id)
  if (stored && 'invalid' in stored) {
    throw new AppError(
      'conflict',
      `The files of topic "${topic_id}" are invalid and must be fixed first: ${stored.invalid}`,
    )
  }
  if ((stored?.topic.revision ?? 0) !== topic.revision) {
    throw new AppError('conflict', `Topic "${topic_id}" was changed by another writer.`)
  }
  const next: Topic = { ...topic, revision: topic.revision + 1 }
  const changes = changesToShow(held, next, changed)
  const unwritable = unwritableFile(held, changes)
  if (unwritable !== undefined) {
    const reason = 'it is, or a link leads, where this program may not write'
    throw new AppError('conflict', `The file ${unwritable} cannot be replaced: ${reason}.`)
  }
  for (const info of next.prompts) {
    const text = changed[info.prompt_type]
    if (text !== undefined) await writeVersion(held, topic_id, info, text)
  }
  const state = nextState(readState(held, topic_id), next, true)
  await writeState(held, state)
  try {
    await showState(held, state, changes)
  } catch (error) {
    // The change has happened; the next reader completes the files.
    store.warn(`the files of topic ${topic_id} do not show its new revision yet: ${(error as Error).message}`)
  }
  return next
}

/** A missing folder is an outage: without this check its topics would look deleted. */
function assertPresent(layout: Layout): void {
  for (const folder of [layout.topics, layout.prompts, layout.states]) statSync(folder)
}

/** Errors of the whole store or machine, as opposed to those of one topic's files. */
function isOutage(layout: Layout, error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  if (['EMFILE', 'ENFILE', 'ENOSPC', 'EIO', 'EROFS', 'ESTALE'].includes(code)) return true
  return [layout.topics, layout.prompts, layout.states].some((folder) => !existsSync(folder))
}

/** Ids of every topic that has files or ever had a record. */
function topicIds(layout: Layout): string[] {
  return [...new Set([...topicIdsIn(layout.topics), ...topicIdsIn(layout.states)])].sort()
}
