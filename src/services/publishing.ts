import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import { AppError, invalidInput, notFound } from '../domain/errors.ts'
import { sameJson } from '../domain/json.ts'
import type { KeyedMutex } from '../domain/keyed-mutex.ts'
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
import type { Catalog } from './catalog/catalog.ts'

/** What was published, and what was odd about it. */
export interface Published {
  topic: Topic
  warnings: TopicCheck['warnings']
}

/** What an edit wants a topic to be. */
export interface DesiredTopic extends TopicContent {
  /** True to delete it softly: it becomes inactive and keeps its texts, its history and its id. */
  deleted?: boolean
}

/** What a topic should be, given what it is; see {@link publish}. */
type Edit = (current: TopicContent | undefined, topic: Topic | undefined) => DesiredTopic | undefined

export interface PublishingDeps {
  catalog: Catalog
  topics: TopicRepository
  prompts: PromptStore
  clock: Clock
  /** Edits of one topic wait for each other here: as rivals they would only make each other start over. */
  mutex: KeyedMutex
}

/** More rivals than this, one after the other, for one topic, and something else is wrong. */
const MAX_ATTEMPTS = 100

/**
 * The one way to change a topic. Reads it as it is in the store, lets `edit` say what it should be, checks that
 * record and bodies belong together, and saves if nobody else did meanwhile; else does it all again. So a body can
 * never be published against parameters that somebody has just removed, and edits of two prompts of one topic
 * never disturb each other.
 *
 * @param by written to `updated_by`.
 * @param edit gets the current content (`undefined`: no such topic yet) and its record; returns the wanted content,
 *   or `undefined` to leave everything as it is. Called again after every lost race; throws to refuse.
 * @param pathOf path of a body in the surface's input; see {@link checkTopic}.
 * @throws AppError `invalid_input` with all faults, `too_large`, `conflict`, `unavailable`; nothing is written then.
 */
export function publish(
  deps: PublishingDeps,
  topic_id: string,
  by: string,
  edit: Edit,
  pathOf?: (prompt_type: string) => string,
): Promise<Published | undefined> {
  return deps.mutex.runExclusive(topic_id, () => publishNow(deps, topic_id, by, edit, pathOf))
}

async function publishNow(
  deps: PublishingDeps,
  topic_id: string,
  by: string,
  edit: Edit,
  pathOf: ((prompt_type: string) => string) | undefined,
): Promise<Published | undefined> {
  for (let attempt = 1; ; attempt++) {
    const before = await readTopic(deps.topics, topic_id)
    const current = before && (await contentOf(deps.catalog, before))
    const wanted = edit(current, before)
    if (!wanted) {
      if (before) deps.catalog.accept(before)
      return undefined
    }
    const { errors, warnings } = checkTopic(wanted.definition, wanted.texts, pathOf)
    if (errors.length > 0) throw invalidInput(errors)
    const changed = Object.fromEntries(
      Object.entries(wanted.texts).filter(([type, body]) => current?.texts[type] !== body),
    )
    const next = await nextRecord(deps, before, wanted, changed, by)
    try {
      const topic = await deps.topics.save(next, changed, attempt - 1)
      deps.catalog.accept(topic, changed)
      return { topic, warnings }
    } catch (error) {
      const lostRace = error instanceof AppError && error.code === 'conflict'
      if (!lostRace || attempt === MAX_ATTEMPTS) throw error
      await setTimeout(Math.random() * 10)
    }
  }
}

/**
 * {@link publish} for a topic that is there. What `edit` leaves as it is, is answered as it is.
 *
 * @throws AppError `not_found` when there never was such a topic.
 */
export async function publishEdit(
  deps: PublishingDeps,
  topic_id: string,
  by: string,
  edit: (current: TopicContent, record: Topic) => DesiredTopic | undefined,
  pathOf?: (prompt_type: string) => string,
): Promise<Published> {
  let record: Topic | undefined
  const editExisting: Edit = (current, found) => {
    if (!current || !found) throw notFound(topic_id)
    record = found
    return edit(current, found)
  }
  const published = await publish(deps, topic_id, by, editExisting, pathOf)
  return published ?? { topic: record as unknown as Topic, warnings: [] }
}

/** Whether `wanted` is what is already there. */
export function sameContent(wanted: TopicContent, current: TopicContent | undefined): boolean {
  return current !== undefined && sameJson(wanted, current)
}

async function readTopic(topics: TopicRepository, topic_id: string): Promise<Topic | undefined> {
  const stored = await topics.get(topic_id)
  if (stored && 'invalid' in stored) {
    throw new AppError(
      'conflict',
      `Topic "${topic_id}" is invalid and must be fixed first: ${stored.invalid}`,
    )
  }
  return stored?.topic
}

/** A topic with its texts. A text never changes, so one that the catalogue knows needs no reading. */
export async function contentOf(catalog: Catalog, topic: Topic): Promise<TopicContent> {
  return { definition: definitionOf(topic), texts: await catalog.texts(topic) }
}

/** The record of `wanted`, still at the revision of `before`: saving raises it. */
async function nextRecord(
  { prompts, clock }: PublishingDeps,
  before: Topic | undefined,
  wanted: DesiredTopic,
  changed: PromptTexts,
  by: string,
): Promise<Topic> {
  const { topic_id } = wanted.definition
  const updated_at = clock().toISOString()
  const stamp = { updated_at, updated_by: by }
  const infos = Object.keys(wanted.texts).map(async (prompt_type): Promise<PromptInfo> => {
    const known = before?.prompts.find((info) => info.prompt_type === prompt_type)
    const body = changed[prompt_type]
    if (known && body === undefined) return known
    const last = known?.revision ?? (await prompts.history(topic_id, prompt_type))[0]?.revision ?? 0
    const s3_key = promptKey(topic_id, prompt_type)
    return { prompt_type, s3_key, ...fingerprint(body as string), revision: last + 1, ...stamp }
  })
  return {
    ...wanted.definition,
    ...(wanted.deleted && { is_active: false, deleted_at: before?.deleted_at ?? updated_at }),
    prompts: await Promise.all(infos),
    revision: before?.revision ?? 0,
    created_at: before?.created_at ?? updated_at,
    created_by: before?.created_by ?? by,
    ...stamp,
  }
}
