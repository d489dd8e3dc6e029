import { NumberValue } from '@aws-sdk/lib-dynamodb'
import { fingerprint, promptKey } from '../../domain/prompt-store.ts'
import { checkTopic, PromptInfo, type StoredTopic, Topic } from '../../domain/topic.ts'
import { check } from '../../domain/validation.ts'
import { sameJson } from '../../util/json.ts'
import type { ObjectStore } from '../s3/object-store.ts'

/** An item of the topics table. Attributes that are not ours belong to other programs, and stay. */
export type TopicItem = Record<string, unknown> & {
  topic_id: string
  /** Prompts that were deleted, as they were last: their revisions are never used again, their history stays. */
  retired_prompts?: PromptInfo[]
}

/** Attributes that a record may lack. */
const OPTIONAL = ['description', 'external_id', 'deleted_at']
const OURS = Object.keys(Topic.shape)
const OURS_OF_PROMPTS = Object.keys(PromptInfo.shape)
/** Author of records of other programs, which name none. */
const UNKNOWN = 'unknown'
const LONG_AGO = new Date(0).toISOString()

/** The revision of an item, 0 if there is none. An item of another program has no revision and counts as the first. */
export function revisionOf(item: TopicItem | undefined): number {
  return item ? Number(item['revision'] ?? 1) : 0
}

/**
 * The topic in an item. What a record of another program does not say is taken from its texts, which are checked as
 * ours are before they are saved.
 *
 * @throws AppError `unavailable` when such texts cannot be read.
 */
export async function topicIn(raw: TopicItem, objects: ObjectStore): Promise<StoredTopic> {
  const item = plain(raw) as TopicItem
  const { topic_id } = item
  const texts: Record<string, string> = {}
  const prompts = await Promise.all(
    listIn(item['prompts']).map((info) =>
      isComplete(info) ? picked(info, OURS_OF_PROMPTS) : completed(topic_id, info, objects, texts),
    ),
  )
  const parameters = listIn(item['allowed_parameters']).map((parameter) =>
    picked(parameter, Object.keys(parameter)),
  )
  const created_at = item['created_at'] ?? LONG_AGO
  const record = {
    revision: 1,
    created_at,
    created_by: UNKNOWN,
    updated_at: created_at,
    updated_by: item['created_by'] ?? UNKNOWN,
    ...picked(item, OURS),
    ...(Array.isArray(item['prompts'] ?? []) && { prompts }),
    ...(parameters.length > 0 && { allowed_parameters: parameters }),
  }
  const { data: topic, errors: faults } = check(Topic, record)
  if (faults) return { topic_id, invalid: sentenceOf(faults) }
  const missing = topic.prompts.filter((info) => info.bytes < 0)
  if (missing.length > 0) {
    return {
      topic_id,
      invalid: `${missing.map(({ s3_key }) => s3_key).join(', ')} cannot be read as a text.`,
    }
  }
  const checked = checkTopic(topic, texts)
  return checked.errors.length > 0 ? { topic_id, invalid: sentenceOf(checked.errors) } : { topic_id, topic }
}

/** A copy of what an item holds, as topics hold it: numbers that a double does not hold exactly are text. */
function plain(value: unknown): unknown {
  if (value instanceof NumberValue) return value.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (!isMap(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** The objects of a list; anything else is left to the check of the whole record. */
function listIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map((item) => (typeof item === 'object' ? (item ?? {}) : {})) : []
}

function isComplete(info: Record<string, unknown>): boolean {
  return ['s3_key', 'sha256', 'bytes', 'revision'].every((name) => info[name] !== undefined)
}

/** Reads the text of a prompt whose record does not say what it is; no bytes at all mean that there is none. */
async function completed(
  topic_id: string,
  info: Record<string, unknown>,
  objects: ObjectStore,
  texts: Record<string, string>,
): Promise<Record<string, unknown>> {
  const prompt_type = String(info['prompt_type'])
  const given = { revision: 1, updated_at: LONG_AGO, updated_by: UNKNOWN, ...picked(info, OURS_OF_PROMPTS) }
  const named = { s3_key: promptKey(topic_id, prompt_type), ...given }
  const found = await objects.newest(named)
  if (!found) return { ...named, sha256: '', bytes: -1 }
  texts[prompt_type] = found.text
  return { ...named, ...found.ref, ...fingerprint(found.text) }
}

/** Own members of ours; programs in other languages write an absent one as null. */
function picked(object: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names
      .filter((name) => object[name] !== undefined && object[name] !== null)
      .map((name) => [name, object[name]]),
  )
}

function sentenceOf(faults: readonly { path: string; message: string }[]): string {
  return faults.map(({ path, message }) => `${path}: ${message}`).join(' ')
}

/** Members of a topic by name. */
export type TopicMembers = Readonly<Record<string, unknown>>

/**
 * What the item itself says of the topic that was read from it. Prompts of another program's item say too little of
 * their texts: the first change completes them.
 */
export function membersIn(item: TopicItem | undefined, stored: StoredTopic | undefined): TopicMembers {
  if (!item || !stored || !('topic' in stored)) return {}
  const isSaid = (name: string) => item[name] !== undefined && item[name] !== null
  const isOurs = (name: string) => name !== 'prompts' || item['revision'] !== undefined
  const said = Object.entries(stored.topic).filter(([name]) => isSaid(name) && isOurs(name))
  // A copy: the topic is handed out, and its holder may change it.
  return structuredClone(Object.fromEntries(said))
}

/**
 * What to set and to remove so that an item holds `topic`. What is not ours stays as it is, and so does what the edit
 * does not change: it may hold what no topic can, such as numbers of 38 digits.
 *
 * @param before what the item says of the topic; see {@link membersIn}.
 */
export function changesFor(
  topic: Topic,
  retired: readonly PromptInfo[],
  before: TopicMembers,
  item: TopicItem | undefined,
): { set: Record<string, unknown>; remove: string[] } {
  const { topic_id: _, ...members } = topic
  const wanted: TopicMembers = {
    ...members,
    config: asStored(topic.config, item?.['config']),
    prompts: topic.prompts.map((info) => ({ ...foreignMembers(item, info), ...info })),
  }
  const changed = Object.entries(members).filter(([name, value]) => !sameJson(before[name], value))
  const set: Record<string, unknown> = {
    ...Object.fromEntries(changed.map(([name]) => [name, wanted[name]])),
    ...(retired.length > 0 && { retired_prompts: retired }),
  }
  const isAbsent = (name: string) => wanted[name] === undefined
  return { set, remove: [...OPTIONAL.filter(isAbsent), ...(retired.length > 0 ? [] : ['retired_prompts'])] }
}

/** `value`, with all parts that are what is stored as they are stored. */
function asStored(value: unknown, stored: unknown): unknown {
  if (sameJson(value, plain(stored))) return stored
  if (!isMap(value) || !isMap(stored)) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asStored(one, stored[name])]))
}

/** What another program has written beside our facts of a prompt. */
function foreignMembers(item: TopicItem | undefined, { prompt_type }: PromptInfo): Record<string, unknown> {
  const found = listIn(item?.['prompts']).find((info) => info['prompt_type'] === prompt_type) ?? {}
  return Object.fromEntries(Object.entries(found).filter(([name]) => !OURS_OF_PROMPTS.includes(name)))
}

/** The prompts that an item has, and those that it had as they were last, by type. */
export function promptsEver(
  item: TopicItem | undefined,
  stored: StoredTopic | undefined,
): Map<string, PromptInfo> {
  const current = stored && 'topic' in stored ? stored.topic.prompts : []
  const infos = [...(item?.retired_prompts ?? []), ...current]
  return new Map(infos.map((info) => [info.prompt_type, { ...info }]))
}
