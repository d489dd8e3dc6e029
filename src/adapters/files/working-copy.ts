import { lstatSync, readFileSync, statSync } from 'node:fs'
import type { FieldError } from '../../domain/errors.ts'
import { fingerprint, promptKey } from '../../domain/prompt-store.ts'
import {
  checkTopic,
  definitionOf,
  MAX_PROMPT_BYTES,
  type PromptTexts,
  type Topic,
  type TopicContent,
  TopicDefinition,
} from '../../domain/topic.ts'
import { check } from '../../domain/validation.ts'
import { decodeUtf8, sameJson } from '../../util/json.ts'
import type { Layout } from './layout.ts'
import { textTypesIn } from './signatures.ts'

/** Members of a record that a hand-made file may hold (copied from an answer, say) and that are ours to keep. */
const BOOKKEEPING = [
  'prompts',
  'revision',
  'created_at',
  'created_by',
  'updated_at',
  'updated_by',
  'deleted_at',
]
/** Errors that a sentence about an invalid topic names. */
const MAX_SHOWN = 5
/** Room for the largest record, indented as people and we write it. */
const MAX_DEFINITION_BYTES = 8 * 1024 * 1024
const BYTE_ORDER_MARK_BYTES = 3

/** What the files of a topic hold, and everything about them that cannot be a topic. */
export interface TopicFiles {
  /** Missing when the definition cannot be read as one. */
  definition?: TopicDefinition
  texts: PromptTexts
  errors: FieldError[]
}

/**
 * Reads and checks the files of a topic in the data folder.
 *
 * @returns `undefined` when there is no definition, a sentence when the files are not a valid topic.
 */
export function readWorkingCopy(layout: Layout, topic_id: string): TopicContent | string | undefined {
  const files = readTopicFiles(layout, topic_id)
  if (!files) return undefined
  const { definition, texts, errors } = files
  if (!definition || errors.length > 0) return sentenceOf(errors)
  const check = checkTopic(definition, texts, (type) => promptKey(topic_id, type))
  if (check.errors.length > 0) return check.tooLarge ?? sentenceOf(check.errors)
  return { definition, texts }
}

function sentenceOf(errors: readonly FieldError[]): string {
  const shown = errors
    .slice(0, MAX_SHOWN)
    .map(
      ({ path, line, column, message }) =>
        `${path}${line === undefined ? '' : `:${line}:${column}`}: ${message}`,
    )
  const more = errors.length - shown.length
  return [...shown, ...(more > 0 ? [`And ${more} more.`] : [])].join(' ')
}

/**
 * Reads the files of a topic in a folder of the layout of `seeds/`.
 *
 * Synchronous, like every read of this store: the files are small and local, and one blocking read costs a
 * fraction of a trip through the thread pool.
 *
 * @returns `undefined` when there is no definition.
 */
export function readTopicFiles(layout: Layout, topic_id: string): TopicFiles | undefined {
  const errors: FieldError[] = []
  const path = `topics/${topic_id}.json`
  const text = readText(layout.definition(topic_id), path, MAX_DEFINITION_BYTES, errors)
  if (text === undefined) return errors.length > 0 ? { texts: {}, errors } : undefined
  const definition = parseDefinition(topic_id, text, path, errors)
  const texts: Record<string, string> = {}
  for (const type of promptTypesIn(layout, topic_id, errors)) {
    const content = readText(layout.body(topic_id, type), promptKey(topic_id, type), MAX_PROMPT_BYTES, errors)
    if (content !== undefined) texts[type] = content
  }
  return { ...(definition && { definition }), texts, errors }
}

/** Parses a definition as people write it: bookkeeping is ignored, `topic_id` may be left to the file's name. */
function parseDefinition(
  topic_id: string,
  text: string,
  path: string,
  errors: FieldError[],
): TopicDefinition | undefined {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    errors.push({ path, expected: 'JSON', message: 'is not JSON.' })
    return undefined
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    errors.push({ path, expected: 'a JSON object', message: 'is not a JSON object.' })
    return undefined
  }
  const entries = Object.entries(content).filter(
    ([name, value]) => !BOOKKEEPING.includes(name) && value !== null,
  )
  const checked = check(TopicDefinition, { topic_id, ...Object.fromEntries(entries) })
  if (checked.errors) {
    errors.push(...checked.errors.map((error) => ({ ...error, path: `${path}: ${error.path}` })))
    return undefined
  }
  if (checked.data.topic_id !== topic_id) {
    errors.push({ path: `${path}: topic_id`, expected: topic_id, message: `is not the file's name.` })
  }
  return checked.data
}

/** See {@link textTypesIn}; a folder that cannot be read is an error of the topic. */
export function promptTypesIn(layout: Layout, topic_id: string, errors: FieldError[] = []): string[] {
  const folder = layout.promptFolder(topic_id)
  try {
    return textTypesIn(folder)
  } catch (error) {
    errors.push(...pathErrors(error, folder, `prompts/${topic_id}`, 'a readable folder'))
    return []
  }
}

function readText(file: string, path: string, maxBytes: number, errors: FieldError[]): string | undefined {
  try {
    const isHuge = statSync(file).size > maxBytes + BYTE_ORDER_MARK_BYTES
    const text = isHuge ? undefined : decodeUtf8(readFileSync(file))
    const isTooLarge = isHuge || Buffer.byteLength(text ?? '') > maxBytes
    if (text !== undefined && !isTooLarge) return text
    errors.push(
      isTooLarge
        ? { path, expected: `at most ${maxBytes} bytes`, message: `is larger than ${maxBytes} bytes.` }
        : { path, expected: 'UTF-8', message: 'is not valid UTF-8.' },
    )
  } catch (error) {
    errors.push(...pathErrors(error, file, path, 'a readable file'))
  }
  return undefined
}

/** What an error of the file system says about one path; nothing if nothing is there. Others are of the whole store. */
function pathErrors(error: unknown, file: string, path: string, expected: string): FieldError[] {
  if (isUnreadable(error)) return [{ path, expected, message: 'cannot be read.' }]
  if (!isMissing(error)) throw error
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  return isLink ? [{ path, expected, message: 'is a link to nothing.' }] : []
}

/** Whether one path cannot be read, as opposed to the whole store. */
function isUnreadable(error: unknown): boolean {
  return ['EISDIR', 'ELOOP', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** Whether the files show just what the record says. */
export function showsTopic(copy: TopicContent | undefined, topic: Topic): boolean {
  if (topic.deleted_at !== undefined || copy === undefined)
    return topic.deleted_at !== undefined && copy === undefined
  return (
    Object.keys(copy.texts).length === topic.prompts.length &&
    topic.prompts.every((info) => {
      const text = copy.texts[info.prompt_type]
      return text !== undefined && fingerprint(text).sha256 === info.sha256
    }) &&
    sameJson(copy.definition, definitionOf(topic))
  )
}

/** A definition as it stands in a file: members in a fixed order, two spaces, a final line break. */
export function formatDefinition(topic: TopicDefinition): string {
  return `${JSON.stringify(definitionOf(topic), null, 2)}\n`
}
