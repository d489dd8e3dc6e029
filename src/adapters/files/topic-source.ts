import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { AppError, type FieldError } from '../../domain/errors.ts'
import { isIdentifier } from '../../domain/identifiers.ts'
import { escapeForeignBraces } from '../../domain/template/escape.ts'
import { definitionOf, type PromptTexts, type TopicContent, TopicDefinition } from '../../domain/topic.ts'
import { check } from '../../domain/validation.ts'
import { encodable, NOT_JSON, parseJson } from '../../util/json.ts'
import { type ForeignBraces, topicsOf } from '../langfuse/import.ts'
import { layoutOf, topicIdsIn } from './layout.ts'
import { foreignFiles, type StrayFile } from './strays.ts'
import { formatDefinition, readTopicFiles } from './working-copy.ts'

/** Files that a remark names. */
const MAX_LISTED = 10

/** One JSON file with everything: `{"topics": [{…definition, "prompts": {type: text}}]}`. */
const TopicsFile = z.strictObject({
  topics: z.array(TopicDefinition.extend({ prompts: z.record(z.string().refine(isIdentifier), z.string()) })),
})

/** Topics to import, and what in their source cannot be read as one. */
export interface TopicSource {
  contents: TopicContent[]
  errors: FieldError[]
  /** What a person should know: files that are passed over, and what became of topics that were something else before. */
  notes: string[]
}

/**
 * Reads topics from a folder in the layout of `seeds/`, or from one JSON file: as `export` writes it, or the array that
 * Langfuse exports.
 *
 * @param braces what happens to braces in texts that are no tags of declared parameters.
 * @throws AppError `not_found` when there is nothing there.
 */
export function readTopicSource(path: string, braces: ForeignBraces = { literal: false }): TopicSource {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (!facts) throw new AppError('not_found', `There is no ${path}.`)
  return facts.isDirectory() ? readFolder(path, braces) : readFile(path, braces)
}

function readFolder(path: string, braces: ForeignBraces): TopicSource {
  const layout = layoutOf(path)
  if (!existsSync(layout.topics)) throw new AppError('not_found', `${path} holds no folder "topics".`)
  const { strays, leftovers } = foreignFiles(layout)
  const errors: FieldError[] = []
  const contents: TopicContent[] = []
  for (const topic_id of topicIdsIn(layout.topics)) {
    const files = readTopicFiles(layout, topic_id)
    errors.push(...(files?.errors ?? []))
    if (files?.definition) contents.push(withBraces(files.definition, files.texts, braces))
  }
  return { contents, errors: [...errors, ...strays.map(strayError)], notes: passedOver(leftovers) }
}

function passedOver(leftovers: readonly string[]): string[] {
  if (leftovers.length === 0) return []
  const more = leftovers.length - MAX_LISTED
  const listed = leftovers.slice(0, MAX_LISTED).join(', ')
  return [`Passed over ${listed}${more > 0 ? ` and ${more} more` : ''}.`]
}

function strayError({ path, pattern }: StrayFile): FieldError {
  return pattern === 'topics/{topic_id}.json'
    ? { path, expected: 'a topic id as name', message: 'is not named by a topic id.' }
    : { path, expected: `${pattern} of a topic`, message: 'belongs to no topic by its name.' }
}

function readFile(path: string, braces: ForeignBraces): TopicSource {
  const content = parseJson(readFileSync(path))
  if (content === NOT_JSON) {
    const error = { path, expected: 'JSON', message: 'is not JSON in UTF-8.' }
    return { contents: [], errors: [error], notes: [] }
  }
  if (Array.isArray(content)) return topicsOf(content, braces)
  const { data, errors } = check(TopicsFile, content)
  if (errors) return { contents: [], errors, notes: [] }
  const contents = data.topics.map(({ prompts, ...definition }) => withBraces(definition, prompts, braces))
  return { contents, errors: repeatedIds(contents), notes: [] }
}

function withBraces(
  definition: TopicDefinition,
  texts: PromptTexts,
  { literal }: ForeignBraces,
): TopicContent {
  if (!literal) return { definition, texts }
  const escaped = Object.entries(texts).map(([type, text]) => [
    type,
    escapeForeignBraces(text, definition.allowed_parameters),
  ])
  return { definition, texts: Object.fromEntries(escaped) }
}

function repeatedIds(contents: readonly TopicContent[]): FieldError[] {
  const ids = contents.map(({ definition }) => definition.topic_id)
  return ids.flatMap((id, index) => {
    const isRepeat = ids.indexOf(id) < index
    const path = `topics.${index}.topic_id`
    return isRepeat ? [{ path, expected: 'another topic id', message: `"${id}" is there twice.` }] : []
  })
}

/**
 * Writes topics as a folder, or as one JSON file when `path` ends in `.json`. The same topics always give the
 * same bytes. Other files in the folder stay.
 *
 * @throws AppError `unavailable` when it cannot be written there.
 */
export async function writeTopicSource(path: string, contents: readonly TopicContent[]): Promise<void> {
  try {
    await (path.endsWith('.json') ? writeOneFile(path, contents) : writeFolder(path, contents))
  } catch (error) {
    throw new AppError('unavailable', `Cannot write ${path}: ${(error as Error).message}`, { cause: error })
  }
}

async function writeOneFile(path: string, contents: readonly TopicContent[]): Promise<void> {
  const topics = contents.map(({ definition, texts }) => ({ ...definitionOf(definition), prompts: texts }))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify({ topics }, null, 2)}\n`)
}

async function writeFolder(path: string, contents: readonly TopicContent[]): Promise<void> {
  const layout = layoutOf(path)
  await mkdir(layout.topics, { recursive: true })
  for (const { definition, texts } of contents) {
    await writeFile(layout.definition(definition.topic_id), formatDefinition(definition))
    for (const [type, text] of Object.entries(texts)) {
      const file = layout.body(definition.topic_id, type)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, encodable(text))
    }
  }
}
