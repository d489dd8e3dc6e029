import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { Layout } from './layout.ts'

/** Hidden files, and what systems, editors and tools leave beside files. */
const LEFTOVER = /^\.|^(thumbs\.db|desktop\.ini|__macosx)$|(~|\.swp|\.orig)$/i

/** A file whose name says no topic, or no prompt of one, and that looks as if it should. */
export interface StrayFile {
  /** Below the folder, for example `prompts/My-Goals`. */
  path: string
  /** What it could be named. */
  pattern: 'topics/{topic_id}.json' | 'prompts/{topic_id}/{prompt_type}.md'
}

/** Files in a folder of topics that are no part of any. */
export interface ForeignFiles {
  strays: StrayFile[]
  /** Paths of files that nobody means to be part of a topic, such as `.DS_Store`. */
  leftovers: string[]
}

export function foreignFiles(layout: Layout): ForeignFiles {
  const found: ForeignFiles = { strays: [], leftovers: [] }
  lookAtDefinitions(layout, found)
  lookAtTexts(layout, found)
  return found
}

function lookAtDefinitions(layout: Layout, { strays, leftovers }: ForeignFiles): void {
  for (const name of namesIn(layout.topics)) {
    const path = `topics/${name}`
    if (LEFTOVER.test(name)) leftovers.push(path)
    else if (/\.json$/i.test(name) && !isNamed(name, '.json')) {
      strays.push({ path, pattern: 'topics/{topic_id}.json' })
    }
  }
}

function lookAtTexts(layout: Layout, { strays, leftovers }: ForeignFiles): void {
  const pattern = 'prompts/{topic_id}/{prompt_type}.md'
  for (const topic_id of namesIn(layout.prompts)) {
    const path = `prompts/${topic_id}`
    const folder = join(layout.prompts, topic_id)
    if (LEFTOVER.test(topic_id)) leftovers.push(path)
    else if (!isFolder(folder) || !isTopic(layout, topic_id)) strays.push({ path, pattern })
    else
      for (const name of namesIn(folder)) {
        if (LEFTOVER.test(name)) leftovers.push(`${path}/${name}`)
        else if (/\.(md|txt)$/i.test(name) && !isNamed(name, '.md')) {
          strays.push({ path: `${path}/${name}`, pattern })
        }
      }
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

/** A folder, or a link to one. A link to nothing is a fault of its topic, not a stray. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  }
}

function isTopic(layout: Layout, topic_id: string): boolean {
  return (
    isIdentifier(topic_id) && lstatSync(layout.definition(topic_id), { throwIfNoEntry: false }) !== undefined
  )
}

/** Whether a file is named by an identifier. */
function isNamed(name: string, ending: string): boolean {
  return name.endsWith(ending) && isIdentifier(name.slice(0, -ending.length))
}
