import * as z from 'zod'
import type { Awaitable } from '../util/awaitable.ts'
import { isDeeperThan } from '../util/json.ts'
import type { FieldError } from './errors.ts'
import { PromptType, plainLines, plainText, TopicId } from './identifiers.ts'
import { ParameterDefinitions } from './parameters.ts'
import { checkTemplate } from './template/check.ts'
import { joinPath, MAX_DEPTH } from './validation.ts'

/** Largest text in bytes of UTF-8, most prompts of a topic, largest record in bytes of JSON. */
export const MAX_PROMPT_BYTES = 51_200
const MAX_PROMPTS = 16
const MAX_RECORD_BYTES = 256 * 1024
/** Smallest magnitude of a number in a record. */
const MIN_NUMBER = 1e-130

const openValue = z
  .string()
  .regex(/^[a-z0-9_]+$/)
  .max(64)

/** Model settings of a topic. Unknown keys are kept. */
const TopicConfig = z.looseObject({
  default_model: z.string().min(1).optional(),
  supports_streaming: z.boolean().optional(),
  max_turns: z.int().positive().optional(),
  temperature: z.number().min(0).max(2).optional(),
  max_tokens: z.int().positive().optional(),
  context_tokens: z.int().positive().optional().describe('Of a conversation, at most so many are sent.'),
})
export type TopicConfig = z.infer<typeof TopicConfig>

/** What people write about a topic: the content of `topics/{topic_id}.json`, of an export and of a seed. */
export const TopicDefinition = z.strictObject({
  topic_id: TopicId,
  topic_name: plainText(1, 200),
  topic_type: openValue.describe('conversation_coaching, single_shot, kpi_system, or a new one.'),
  category: openValue.describe('coaching, analysis, strategy, kpi, or a new one.'),
  description: plainLines(2000).optional(),
  display_order: z.int().default(100),
  is_active: z.boolean().default(true),
  allowed_parameters: ParameterDefinitions.default([]),
  config: TopicConfig.default({}),
  external_id: plainText(1, 200).optional().describe("The caller's own id of this KPI configuration."),
})
export type TopicDefinition = z.infer<typeof TopicDefinition>

/** Where the text of a prompt is and what it is. `revision` starts at 1 and never repeats, not even after a deletion. */
export const PromptInfo = z.strictObject({
  prompt_type: PromptType,
  s3_bucket: z.string().optional().describe('Only where bodies are in S3.'),
  s3_key: z.string(),
  s3_version_id: z.string().optional(),
  sha256: z.string(),
  bytes: z.int(),
  revision: z.int().positive(),
  updated_at: z.string(),
  updated_by: z.string(),
  note: z.string().optional().describe('What its author said of this text.'),
})
export type PromptInfo = z.infer<typeof PromptInfo>

/** The record of a topic. */
export const Topic = TopicDefinition.extend({
  prompts: z.array(PromptInfo).max(MAX_PROMPTS),
  revision: z.int().positive().describe('1 at creation, one more with every change of the record.'),
  created_at: z.string(),
  created_by: z.string(),
  updated_at: z.string(),
  updated_by: z.string(),
  deleted_at: z.string().optional().describe('Set by a soft delete, which also makes the topic inactive.'),
})
export type Topic = z.infer<typeof Topic>

/** Prompt texts by prompt type. */
export type PromptTexts = Readonly<Record<string, string>>

/** A topic with its texts: in the store, in a folder to import, or as an edit wants it. */
export interface TopicContent {
  definition: TopicDefinition
  texts: PromptTexts
}

/**
 * What a store answers for a topic: its record, or why the record or a text of it cannot be used. Both while it is being
 * edited past this program and the edit may be incomplete: the record is then the one that was published last.
 */
export type StoredTopic =
  | { topic_id: string; topic: Topic }
  | { topic_id: string; invalid: string }
  | { topic_id: string; topic: Topic; invalid: string }

/** Something happened to the store; `topic_ids` is empty when only its reachability changed. */
export interface StoreEvent {
  topic_ids: readonly string[]
  /** False while the store cannot be read; the topics that were read before stay served. */
  reachable: boolean
  /** When it cannot be read, the time that the topics read before are of, if that is earlier than this event. */
  as_of?: Date
  /** Why it cannot be read, for the log. */
  cause?: unknown
  /** True when anything may have changed (a restored backup, lost notifications): every topic is compared again. */
  reset?: boolean
}

/** Is called with what happens to a store. Rejects when it could not take that over; the store then reports it again. */
export type StoreListener = (event: StoreEvent) => Awaitable<void>

/** Following a store. */
export interface StoreWatch {
  /**
   * Resolves when all changes older than the freshness bound have been reported; `undefined` when they have been
   * already, and in an outage, in which nothing can be said.
   */
  catchUp(): Promise<void> | undefined
  /** Milliseconds since the store was last looked at with success. */
  ageMs(): number
  close(): Promise<void>
}

/**
 * Topic records, and the one promise that matters: a record and its texts change together or not at all. Every store
 * keeps `test/contracts/store.ts`.
 *
 * @example
 * const stored = await topics.get('greeting')
 * if (stored && 'topic' in stored) {
 *   // Raises the revision, or fails with `conflict` if another process has saved since.
 *   await topics.save({ ...stored.topic, topic_name: 'Greetings' }, {})
 * }
 */
export interface TopicRepository {
  /** The topic as it is in the store now, deleted ones too; `undefined` if there never was one. */
  get(topic_id: string): Promise<StoredTopic | undefined>

  /** Every topic, in no particular order. */
  all(): AsyncIterable<StoredTopic>

  /**
   * Stores `topic` together with the texts in `changed` if the stored one is still at `topic.revision` (0: does
   * not exist yet), and raises the revision by one. `topic.prompts` already describes the new texts. Durable
   * when it returns; after a crash at any instant the store holds all of it or nothing.
   *
   * @param losses how many times this edit has lost to others before: a store may let it go first then.
   * @returns the topic as stored.
   * @throws AppError `conflict` when another writer saved first, `unavailable` when the store cannot be written;
   *   nothing is written then.
   */
  save(topic: Topic, changed: PromptTexts, losses?: number): Promise<Topic>

  /** Reports changes by this process, by others and by hand, until it is closed. */
  watch(listener: StoreListener): Promise<StoreWatch>
}

export type ListPosition = Pick<TopicDefinition, 'display_order' | 'topic_id'>

/** Order of every list of topics: `display_order`, then id. */
export function byDisplayOrder(a: ListPosition, b: ListPosition): number {
  return a.display_order - b.display_order || (a.topic_id < b.topic_id ? -1 : a.topic_id > b.topic_id ? 1 : 0)
}

/** The part of a record that people write, in the order in which files show it. */
export function definitionOf(topic: TopicDefinition): TopicDefinition {
  const { topic_id, topic_name, topic_type, category, description, display_order, is_active } = topic
  const { allowed_parameters, config, external_id } = topic
  return {
    topic_id,
    topic_name,
    topic_type,
    category,
    ...(description !== undefined && { description }),
    display_order,
    is_active,
    allowed_parameters,
    config,
    ...(external_id !== undefined && { external_id }),
  }
}

/** What stands between a topic and being published, and what may be a mistake. */
export interface TopicCheck {
  errors: FieldError[]
  warnings: { path: string; message: string }[]
  /** Set when a limit of size is exceeded: the sentence that says which. `errors` then holds just that. */
  tooLarge?: string
}

/**
 * Checks that a topic and its texts belong together: no syntax error and no undeclared variable in any text, nothing
 * larger than 50 KB for a text or 256 KiB and 16 levels for the record. Declared parameters that no prompt uses are
 * warnings.
 *
 * @param pathOf path of a text in the caller's input, for example `content` or `prompts.system`.
 * @example checkTopic(definition, { user: '{{nme}}' }).errors[0]?.message // '"nme" is not declared.'
 */
export function checkTopic(
  definition: TopicDefinition,
  texts: PromptTexts,
  pathOf: (prompt_type: string) => string = (type) => joinPath('prompts', type),
): TopicCheck {
  const tooLarge = exceededLimit(definition, texts, pathOf)
  if (tooLarge !== undefined) {
    const error = { path: definition.topic_id, expected: 'a smaller topic', message: tooLarge }
    return { errors: [error], warnings: [], tooLarge }
  }
  const errors = unstorableValues(definition)
  if (Object.keys(texts).length > MAX_PROMPTS) {
    const expected = `at most ${MAX_PROMPTS} prompts`
    errors.push({ path: 'prompts', expected, message: `are more than ${MAX_PROMPTS}.` })
  }
  const names = definition.allowed_parameters.map((parameter) => parameter.name)
  const unused = new Set(names)
  for (const [type, text] of Object.entries(texts)) {
    const path = pathOf(type)
    const check = checkTemplate(text, definition.allowed_parameters)
    errors.push(...characterErrors(path, text), ...check.errors.map((error) => ({ path, ...error })))
    for (const name of check.used) unused.delete(name)
  }
  const warnings = [...unused].map((name) => ({
    path: `allowed_parameters.${names.indexOf(name)}`,
    message: `No prompt uses "${name}".`,
  }))
  return { errors, warnings }
}

/** Which limit of size a topic exceeds, if any. */
function exceededLimit(
  definition: TopicDefinition,
  texts: PromptTexts,
  pathOf: (prompt_type: string) => string,
): string | undefined {
  const topic = `Topic "${definition.topic_id}"`
  if (isDeeperThan(definition, MAX_DEPTH)) return `${topic} nests deeper than ${MAX_DEPTH} levels.`
  if (Buffer.byteLength(JSON.stringify(definition)) > MAX_RECORD_BYTES)
    return `${topic} is larger than 256 KiB.`
  const tooLarge = Object.keys(texts).find(
    (type) => Buffer.byteLength(texts[type] as string) > MAX_PROMPT_BYTES,
  )
  return tooLarge === undefined ? undefined : `${pathOf(tooLarge)} is larger than ${MAX_PROMPT_BYTES} bytes.`
}

/** What not every store can hold: DynamoDB knows no empty names, and takes smaller numbers for an underflow. */
function unstorableValues(value: unknown, path = ''): FieldError[] {
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < MIN_NUMBER) {
    return [{ path, expected: `0, or at least ${MIN_NUMBER}`, message: 'is too small to be stored.' }]
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    const here = joinPath(path, name)
    const below = unstorableValues(member, here)
    return name === '' ? [{ path: here, expected: 'a name', message: 'has an empty name.' }, ...below] : below
  })
}

/** Characters that no text may hold. */
function characterErrors(path: string, text: string): FieldError[] {
  const errors: FieldError[] = []
  if (text.includes('\0'))
    errors.push({ path, expected: 'text without NUL', message: 'holds a NUL character.' })
  if (!text.isWellFormed()) errors.push({ path, expected: 'valid UTF-8', message: 'holds half a character.' })
  return errors
}
