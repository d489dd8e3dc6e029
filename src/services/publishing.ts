import { setTimeout } from 'node:timers/promises'
import { AppError, invalidInput, notFound } from '../domain/errors.ts'
import { fingerprint, type PromptStore, promptKey } from '../domain/prompt-store.ts'
import {
  checkTopic,
  definitionOf,
  type PromptInfo,
  type PromptTexts,
  type Topic,
  type TopicCheck,
  type TopicContent,
  type TopicRepository,
} from '../domain/topic.ts'
import { sameJson } from '../util/json.ts'
import type { KeyedMutex } from '../util/keyed-mutex.ts'
import { backoffMs, type Clock } from '../util/time.ts'
import type { Catalog } from './catalog/catalog.ts'

/** A topic as it is in the store when it is edited. */
export interface CurrentTopic {
  record: Topic
  content: TopicContent
}

/** What an edit wants a topic to be. */
interface DesiredTopic extends TopicContent {
  /** True to delete it softly: it becomes inactive and keeps its texts, its history and its id. */
  deleted?: boolean
}

/** The answer of an edit that leaves a topic as it is. */
export const UNCHANGED = Symbol('unchanged')

/** What a topic should be, given what it is; see {@link publish}. */
export type Edit = (current: CurrentTopic | undefined) => DesiredTopic | typeof UNCHANGED

/** Which topic is edited, and by whom. */
export interface EditTarget {
  topic_id: string
  /** Written to `updated_by`. */
  by: string
  /** What the author says of the texts that change: kept with each of them. */
  note?: string | undefined
  /** Path of a text in the caller's input; see {@link checkTopic}. */
  pathOf?: (prompt_type: string) => string
}

/** What came of an edit. */
export interface Published {
  /** The topic that the edit was made from; missing when the edit has created it. */
  before: CurrentTopic | undefined
  /** The topic as it is now. */
  topic: Topic
  warnings: TopicCheck['warnings']
}

export interface PublishingDeps {
  catalog: Catalog
  topics: TopicRepository
  prompts: PromptStore
  clock: Clock
  /** Edits of one topic wait for each other here: side by side they would only make each other start over. */
  mutex: KeyedMutex
}

/** After so many lost races for one topic, one after the other, something else is wrong. */
const MAX_ATTEMPTS = 100
const RETRY = { firstMs: 10, mostMs: 10, jitter: 1 }

/**
 * The one way to change a topic. Reads it as it is in the store, lets `edit` say what it should be, checks that record
 * and texts belong together, and saves if nothing else was saved meanwhile; otherwise does it all again. So a text can
 * never be published against parameters that have just been removed, and edits of two prompts of one topic never
 * disturb each other.
 *
 * @param edit is called again after every lost race; throws to refuse.
 * @throws AppError `invalid_input` with all errors, `too_large`, `conflict`, `unavailable`, or `not_found` when the edit
 *   leaves unchanged what does not exist; nothing is written then.
 * @example
 * const { topic } = await publish(services, { topic_id: 'greeting', by: 'ada' }, (current) => {
 *   if (!current) throw notFound('greeting')
 *   return { ...current.content, texts: { user: 'Hello, {{name}}!' } }
 * })
 */
export function publish(deps: PublishingDeps, target: EditTarget, edit: Edit): Promise<Published> {
  return deps.mutex.runExclusive(target.topic_id, () => publishNow(deps, target, edit))
}

async function publishNow(deps: PublishingDeps, target: EditTarget, edit: Edit): Promise<Published> {
  for (let losses = 0; ; losses++) {
    const before = await readTopic(deps, target.topic_id)
    const desired = edit(before)
    if (desired === UNCHANGED) {
      if (!before) throw notFound(target.topic_id)
      deps.catalog.accept(before.record)
      return { before, topic: before.record, warnings: [] }
    }
    const warnings = assertPublishable(desired, target.pathOf)
    const texts = changedTexts(desired, before)
    const next = await nextRecord(deps, before?.record, desired, texts, target)
    try {
      const topic = await deps.topics.save(next, texts, losses)
      deps.catalog.accept(topic, texts)
      return { before, topic, warnings }
    } catch (error) {
      const lostRace = error instanceof AppError && error.code === 'conflict'
      if (!lostRace || losses + 1 === MAX_ATTEMPTS) throw error
      await setTimeout(backoffMs(RETRY, losses + 1))
    }
  }
}

/** Whether `wanted` is what is already there. */
export function sameContent(wanted: TopicContent, current: TopicContent | undefined): boolean {
  return current !== undefined && sameJson(wanted, current)
}

async function readTopic(
  { topics, catalog }: PublishingDeps,
  topic_id: string,
): Promise<CurrentTopic | undefined> {
  const stored = await topics.get(topic_id)
  if (!stored) return undefined
  if ('invalid' in stored) {
    throw new AppError(
      'conflict',
      `Topic "${topic_id}" is invalid and must be fixed first: ${stored.invalid}`,
    )
  }
  return { record: stored.topic, content: await contentOf(catalog, stored.topic) }
}

/** A topic with its texts. A text never changes, so one that the catalogue knows needs no reading. */
export async function contentOf(catalog: Catalog, topic: Topic): Promise<TopicContent> {
  return { definition: definitionOf(topic), texts: await catalog.texts(topic) }
}

/**
 * Checks that a record and texts belong together.
 *
 * @param pathOf the path of a text in the messages.
 * @returns the warnings.
 * @throws AppError `too_large`, `invalid_input`.
 */
export function assertPublishable({ definition, texts }: TopicContent, pathOf?: (type: string) => string) {
  const { errors, warnings, tooLarge } = checkTopic(definition, texts, pathOf)
  if (tooLarge !== undefined) throw new AppError('too_large', tooLarge)
  if (errors.length > 0) throw invalidInput(errors)
  return warnings
}

function changedTexts({ texts }: DesiredTopic, before: CurrentTopic | undefined): PromptTexts {
  const changed = Object.entries(texts).filter(([type, text]) => before?.content.texts[type] !== text)
  return Object.fromEntries(changed)
}

/** The record of `desired`, still at the revision of `before`: saving raises it. */
async function nextRecord(
  { prompts, clock }: PublishingDeps,
  before: Topic | undefined,
  desired: DesiredTopic,
  changed: PromptTexts,
  { by, note }: EditTarget,
): Promise<Topic> {
  const { topic_id } = desired.definition
  const updated_at = clock().toISOString()
  const stamp = { updated_at, updated_by: by }
  const infos = Object.keys(desired.texts).map(async (prompt_type): Promise<PromptInfo> => {
    const current = before?.prompts.find((info) => info.prompt_type === prompt_type)
    const text = changed[prompt_type]
    if (current && text === undefined) return current
    const last = current?.revision ?? (await prompts.history(topic_id, prompt_type))[0]?.revision ?? 0
    const s3_key = promptKey(topic_id, prompt_type)
    const facts = { ...fingerprint(text as string), revision: last + 1, ...stamp, ...(note && { note }) }
    return { prompt_type, s3_key, ...facts }
  })
  return {
    ...desired.definition,
    ...(desired.deleted && { is_active: false, deleted_at: before?.deleted_at ?? updated_at }),
    prompts: await Promise.all(infos),
    revision: before?.revision ?? 0,
    created_at: before?.created_at ?? updated_at,
    created_by: before?.created_by ?? by,
    ...stamp,
  }
}
