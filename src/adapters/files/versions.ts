import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { AppError } from '../../domain/errors.ts'
import {
  type PromptStore,
  type PromptVersion,
  type PromptVersionText,
  versionFacts,
} from '../../domain/prompt-store.ts'
import type { PromptInfo } from '../../domain/topic.ts'
import { readTextFile, replaceFile } from './durable.ts'
import { type Layout, storeFailure } from './layout.ts'
import { readState } from './state.ts'
import { isMissing } from './working-copy.ts'

interface StoredVersion extends Omit<PromptVersion, 'version_id'> {
  content: string
}

/** The texts of a files store: one file for each text that was ever published, named by its revision. */
export function filePrompts(layout: Layout): PromptStore {
  /** @throws AppError `unavailable` instead of what the file system or a damaged file throws. */
  async function attempt<T>(readFiles: () => T): Promise<T> {
    try {
      return readFiles()
    } catch (error) {
      throw error instanceof AppError ? error : storeFailure(layout.root, error)
    }
  }

  return {
    read: (topic_id, info) => attempt(() => versionText(layout, topic_id, info)),

    history: (topic_id, prompt_type) =>
      attempt(() =>
        publishedRevisions(layout, topic_id, prompt_type).map(
          (revision) => versionWithText(layout, topic_id, prompt_type, revision).version,
        ),
      ),

    readVersion: (topic_id, prompt_type, version_id) =>
      attempt(() => {
        const known = publishedRevisions(layout, topic_id, prompt_type).map(String)
        if (known.includes(version_id)) {
          return versionWithText(layout, topic_id, prompt_type, Number(version_id))
        }
        throw new AppError('not_found', `Prompt "${topic_id}/${prompt_type}" has no version "${version_id}".`)
      }),
  }
}

function versionWithText(
  layout: Layout,
  topic_id: string,
  prompt_type: string,
  revision: number,
): PromptVersionText {
  const { content, ...facts } = readVersion(layout, topic_id, prompt_type, revision)
  return { version: { version_id: String(revision), ...facts }, content }
}

/** Writes the text that `info` describes; a leftover of an attempt that never became public is overwritten. */
export async function writeVersion(
  layout: Layout,
  topic_id: string,
  info: PromptInfo,
  content: string,
): Promise<void> {
  const { prompt_type, revision } = info
  const version: StoredVersion = { ...versionFacts(info), content }
  await mkdir(layout.versions(topic_id, prompt_type), { recursive: true })
  await replaceFile(
    layout,
    layout.version(topic_id, prompt_type, revision),
    `${JSON.stringify(version, null, 2)}\n`,
  )
}

/** The text that `info` means. */
export function versionText(layout: Layout, topic_id: string, info: PromptInfo): string {
  return readVersion(layout, topic_id, info.prompt_type, info.revision).content
}

/** Newest first. A crash can leave a text that never became public; it stands above the last published revision. */
function publishedRevisions(layout: Layout, topic_id: string, prompt_type: string): number[] {
  const last = readState(layout, topic_id)?.revisions[prompt_type] ?? 0
  try {
    return readdirSync(layout.versions(topic_id, prompt_type))
      .map((name) => Number.parseInt(name, 10))
      .filter((revision) => revision <= last)
      .sort((a, b) => b - a)
  } catch (error) {
    if (isMissing(error) && existsSync(layout.own)) return []
    throw storeFailure(layout.root, error)
  }
}

function readVersion(layout: Layout, topic_id: string, prompt_type: string, revision: number): StoredVersion {
  return JSON.parse(readTextFile(layout.version(topic_id, prompt_type, revision)))
}
