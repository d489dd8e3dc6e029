import { accessSync, constants, lstatSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm, rmdir } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import type { PromptTexts, Topic } from '../../domain/topic.ts'
import { encodable } from '../../util/json.ts'
import { replaceFile, targetOf } from './durable.ts'
import type { Layout } from './layout.ts'
import { hasChanged, type PathFacts, pathFacts } from './signatures.ts'
import { type TopicState, writeState } from './state.ts'
import { versionText } from './versions.ts'
import { formatDefinition, isMissing, promptTypesIn } from './working-copy.ts'

/** A file that does not show a record. */
interface FileChange {
  path: string
  /** `undefined`: the file goes. */
  content: string | undefined
  before: PathFacts
}

/**
 * Makes the files that people see show the published record. Doing it twice does no harm.
 *
 * @param changes what the files lacked before. Those that have changed since stay: they hold a later edit by hand.
 */
export async function showState(
  held: Layout,
  state: TopicState,
  changes = changesToShow(held, state.topic),
): Promise<TopicState> {
  const { topic } = state
  const folder = held.promptFolder(topic.topic_id)
  const hasPrompts = shownPrompts(topic).length > 0
  if (hasPrompts) await mkdir(folder, { recursive: true })
  for (const { path, content, before } of changes) {
    if (hasChanged(path, before)) continue
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
 * A file that cannot be changed: it is, or a link leads, where this program may not write. A topic with such a file must
 * not be published, because it could not be edited by hand any more.
 *
 * @returns its path below the data folder.
 */
export function unwritableFile(layout: Layout, changes: readonly FileChange[]): string | undefined {
  const found = changes.find(({ path, content }) => {
    const place = content === undefined ? path : targetOf(path)
    return !isWritable(dirname(place))
  })
  return found && relative(layout.root, found.path)
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

/**
 * What the files lack to show `topic`, in the order of writing: its texts, its definition, then what goes.
 *
 * @param changed texts that are not among the versions yet.
 */
export function changesToShow(layout: Layout, topic: Topic, changed: PromptTexts = {}): FileChange[] {
  const { topic_id } = topic
  const prompts = shownPrompts(topic)
  const shown = prompts.map((info): [path: string, content: string] => [
    layout.body(topic_id, info.prompt_type),
    encodable(changed[info.prompt_type] ?? versionText(layout, topic_id, info)),
  ])
  const gone = promptTypesIn(layout, topic_id)
    .filter((type) => !prompts.some(({ prompt_type }) => prompt_type === type))
    .map((type): [path: string, content: undefined] => [layout.body(topic_id, type), undefined])
  const definition = topic.deleted_at === undefined ? formatDefinition(topic) : undefined
  return [...shown, [layout.definition(topic_id), definition] as const, ...gone]
    .map(([path, content]) => ({ path, content, before: pathFacts(path) }))
    .filter(({ path, content }) => !holds(path, content))
}

/** Whether a file holds just this; `undefined`: whether nothing is there. */
function holds(path: string, content: string | undefined): boolean {
  if (content === undefined) return lstatSync(path, { throwIfNoEntry: false }) === undefined
  const size = statSync(path, { throwIfNoEntry: false })?.size
  return size === Buffer.byteLength(content) && readFileSync(path, 'utf8') === content
}
