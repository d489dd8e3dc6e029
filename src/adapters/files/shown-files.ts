import { accessSync, constants, lstatSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm, rmdir } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { encodable } from '../../domain/json.ts'
import type { PromptTexts, Topic } from '../../domain/topic.ts'
import { replaceFile, targetOf } from './durable.ts'
import type { Layout } from './layout.ts'
import { hasChanged, type PathFacts, type TopicFacts } from './signatures.ts'
import { type TopicState, writeState } from './state.ts'
import { versionText } from './versions.ts'
import { formatDefinition, isMissing, promptTypesIn } from './working-copy.ts'

/** A file that does not show the published record. */
interface FileChange {
  path: string
  /** `undefined`: the file goes. */
  content: string | undefined
}

/**
 * Makes the files that people see show the published record. Doing it twice does no harm.
 *
 * @param seen the files as they were before. Those that have changed since stay: they hold a later edit by hand.
 */
export async function showState(held: Layout, state: TopicState, seen?: TopicFacts): Promise<TopicState> {
  const { topic } = state
  const folder = held.promptFolder(topic.topic_id)
  const hasPrompts = shownPrompts(topic).length > 0
  const texts = textsOf(held, topic)
  if (hasPrompts) await mkdir(folder, { recursive: true })
  for (const { path, content } of changesTo(held, topic, texts, seen)) {
    if (content === undefined) await remove(held, path)
    else await replaceFile(held, path, content)
  }
  // A folder that still holds something, a person's notes perhaps, stays.
  if (!hasPrompts) await rmdir(folder).catch(() => {})
  const shown = { ...state, pending: false }
  await writeState(held, shown)
  return shown
}

async function remove({ assertHeld }: Layout, path: string): Promise<void> {
  assertHeld?.()
  await rm(path, { force: true })
}

/**
 * A file that cannot be made to show `topic`: it is, or a link leads, where this program may not write. Such a topic must
 * not be published, because its files could not be edited by hand any more.
 *
 * @param changed texts that are not among the versions yet.
 * @returns its path below the data folder.
 */
export function unwritableFile(layout: Layout, topic: Topic, changed: PromptTexts): string | undefined {
  for (const { path, content } of changesTo(layout, topic, textsOf(layout, topic, changed))) {
    const place = content === undefined ? path : targetOf(path)
    if (!isWritable(dirname(place))) return relative(layout.root, path)
  }
  return undefined
}

/** Whether files of a folder can be replaced, or, where it is not there yet, made. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch (error) {
    return isMissing(error) && isWritable(dirname(folder))
  }
}

function shownPrompts({ deleted_at, prompts }: Topic): Topic['prompts'] {
  return deleted_at === undefined ? prompts : []
}

/** The texts that `topic` speaks of; `changed` holds those that are not among the versions yet. */
function textsOf(layout: Layout, topic: Topic, changed: PromptTexts = {}): Map<string, string> {
  const text = (info: Topic['prompts'][number]) =>
    changed[info.prompt_type] ?? versionText(layout, topic.topic_id, info)
  return new Map(shownPrompts(topic).map((info) => [info.prompt_type, text(info)]))
}

/** What the files lack to show `topic`, in the order of writing: its texts, its definition, then what goes. */
function* changesTo(
  layout: Layout,
  topic: Topic,
  texts: ReadonlyMap<string, string>,
  seen?: TopicFacts,
): Generator<FileChange> {
  const { topic_id } = topic
  const isAsSeen = (path: string, before: PathFacts | undefined) => !seen || !hasChanged(path, before)
  for (const [type, text] of texts) {
    const path = layout.body(topic_id, type)
    const content = encodable(text)
    if (isAsSeen(path, seen?.texts.get(type)) && !holds(path, content)) yield { path, content }
  }
  const path = layout.definition(topic_id)
  const content = topic.deleted_at === undefined ? formatDefinition(topic) : undefined
  if (isAsSeen(path, seen?.definition) && !holds(path, content)) yield { path, content }
  for (const type of promptTypesIn(layout, topic_id)) {
    const path = layout.body(topic_id, type)
    if (!texts.has(type) && isAsSeen(path, seen?.texts.get(type))) yield { path, content: undefined }
  }
}

/** Whether a file holds just this; `undefined`: whether nothing is there. */
function holds(path: string, content: string | undefined): boolean {
  if (content === undefined) return lstatSync(path, { throwIfNoEntry: false }) === undefined
  const size = statSync(path, { throwIfNoEntry: false })?.size
  return size === Buffer.byteLength(content) && readFileSync(path, 'utf8') === content
}
