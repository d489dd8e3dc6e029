import { readdirSync, statSync } from 'node:fs'
import { pMapIterable } from 'p-map'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import { isIdentifier } from '../../domain/identifiers.ts'
import { fingerprint, promptKey } from '../../domain/prompt-store.ts'
import type {
  Bodies,
  PromptInfo,
  StoredTopic,
  Topic,
  TopicContent,
  TopicRepository,
} from '../../domain/topic.ts'
import { type Layout, storeFailure } from './layout.ts'
import { fileLocks } from './lock.ts'
import { nextState, readState, type TopicState, writeState } from './state.ts'
import { versionText, writeVersion } from './versions.ts'
import { watchFolders } from './watch.ts'
import { readWorkingCopy, showsTopic, writeWorkingCopy } from './working-copy.ts'

/** Topics read at the same time: those edited by hand wait for the disk. */
const CONCURRENCY = 16

/** Author of changes that people make to the files themselves (spec §1). */
const BY_HAND = 'file'

/**
 * Topics in a folder that people can read, edit and keep in git.
 *
 * Truth is `state/{topic_id}.json`: a change happens when that file is replaced. The texts it speaks of are
 * durable before, the files that people see follow after, and `pending` tells whoever finds them out of step that
 * a writer died in between. Out of step without `pending` means that a person edited the files: the edit is
 * published as a new revision if it is valid, and takes the topic out until it is mended if not.
 *
 * @param freshnessMs how soon changes by other processes and by hand are noticed.
 */
export function fileTopics(
  layout: Layout,
  { clock, freshnessMs, warn }: { clock: Clock; freshnessMs: number; warn: (message: string) => void },
): TopicRepository {
  const withLock = fileLocks(layout)

  async function get(topic_id: string): Promise<StoredTopic | undefined> {
    try {
      assertPresent(layout)
      const state = readState(layout, topic_id)
      const copy = readWorkingCopy(layout, topic_id)
      if (!state && !copy) return undefined
      const isWhole = typeof copy !== 'string' && state && !state.pending
      if (isWhole && showsTopic(copy, state.topic)) return { topic_id, topic: state.topic }
      // Half-shown files may be a writer at work; only with the lock held they are damage or an edit.
      return await withLock(topic_id, () => settle(topic_id))
    } catch (error) {
      if (error instanceof AppError) throw error
      if (error instanceof SyntaxError)
        return { topic_id, damage: `.purposepath/state/${topic_id}.json is not JSON.` }
      throw storeFailure(layout.root, error)
    }
  }

  /** With the lock held: completes what a dead writer began, then publishes what a person changed. */
  async function settle(topic_id: string): Promise<StoredTopic | undefined> {
    assertPresent(layout)
    let state = readState(layout, topic_id)
    if (state?.pending) state = await showState(state)
    const copy = readWorkingCopy(layout, topic_id)
    if (typeof copy === 'string') return { topic_id, damage: copy }
    if (!copy && !state) return undefined
    if (state && showsTopic(copy, state.topic)) return { topic_id, topic: state.topic }
    const topic = editedByHand(copy, state, clock().toISOString())
    for (const info of topic.prompts) {
      const body = copy?.bodies[info.prompt_type]
      if (info.updated_by === BY_HAND && body !== undefined) await writeVersion(layout, topic_id, info, body)
    }
    await writeState(layout, nextState(state, topic, false))
    return { topic_id, topic }
  }

  async function showState(state: TopicState): Promise<TopicState> {
    const { topic } = state
    const texts = new Map(
      topic.deleted_at === undefined
        ? topic.prompts.map((info) => [info.prompt_type, versionText(layout, topic.topic_id, info)])
        : [],
    )
    await writeWorkingCopy(layout, topic, (type) => texts.get(type) ?? '')
    const shown = { ...state, pending: false }
    await writeState(layout, shown)
    return shown
  }

  async function publish(topic: Topic, changed: Bodies, stillHeld: () => void): Promise<Topic> {
    const stored = await settle(topic.topic_id)
    if (stored && 'damage' in stored) {
      throw new AppError(
        'conflict',
        `The files of topic "${topic.topic_id}" need mending first: ${stored.damage}`,
      )
    }
    if ((stored?.topic.revision ?? 0) !== topic.revision) {
      throw new AppError('conflict', `Topic "${topic.topic_id}" was changed by somebody else.`)
    }
    const next: Topic = { ...topic, revision: topic.revision + 1 }
    for (const info of next.prompts) {
      const body = changed[info.prompt_type]
      if (body !== undefined) await writeVersion(layout, topic.topic_id, info, body)
    }
    const state = nextState(readState(layout, topic.topic_id), next, true)
    stillHeld()
    await writeState(layout, state)
    await showState(state)
    return next
  }

  return {
    get,

    async *all() {
      for await (const stored of pMapIterable(topicIds(layout), get, { concurrency: CONCURRENCY })) {
        if (stored) yield stored
      }
    },

    async save(topic, changed) {
      try {
        assertPresent(layout)
        return await withLock(topic.topic_id, (stillHeld) =>
          publish(topic, structuredClone(changed), stillHeld),
        )
      } catch (error) {
        throw error instanceof AppError ? error : storeFailure(layout.root, error)
      }
    },

    watch: (listener) =>
      watchFolders(layout, { freshnessMs, warn, topicIds: () => topicIds(layout), listener }),
  }
}

/** A missing folder is an outage (spec §7): without this check its topics would look deleted. */
function assertPresent(layout: Layout): void {
  for (const folder of [layout.topics, layout.prompts, layout.states]) statSync(folder)
}

/** The record after a person changed, added or removed the files of a topic. */
function editedByHand(copy: TopicContent | undefined, state: TopicState | undefined, now: string): Topic {
  const stamp = { updated_at: now, updated_by: BY_HAND }
  const before = state?.topic
  if (!copy)
    return {
      ...(before as Topic),
      ...stamp,
      revision: (before?.revision ?? 0) + 1,
      is_active: false,
      deleted_at: now,
    }
  const prompts = Object.entries(copy.bodies).map(([prompt_type, body]): PromptInfo => {
    const known = before?.prompts.find((info) => info.prompt_type === prompt_type)
    const facts = fingerprint(body)
    if (known?.sha256 === facts.sha256) return known
    const { topic_id } = copy.definition
    const revision = (state?.revisions[prompt_type] ?? 0) + 1
    return { prompt_type, s3_key: promptKey(topic_id, prompt_type), ...facts, revision, ...stamp }
  })
  const created = { created_at: before?.created_at ?? now, created_by: before?.created_by ?? BY_HAND }
  return { ...copy.definition, prompts, revision: (before?.revision ?? 0) + 1, ...created, ...stamp }
}

/** Ids of every topic that has files or ever had a record. */
function topicIds(layout: Layout): string[] {
  const names = [...readdirSync(layout.topics), ...readdirSync(layout.states)]
  const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5))
  return [...new Set(ids)].filter(isIdentifier).sort()
}
