import { createHash } from 'node:crypto'
import type { PromptInfo } from './topic.ts'

/** One text that a prompt has or had. */
export interface PromptVersion {
  version_id: string
  revision: number
  sha256: string
  bytes: number
  updated_at: string
  updated_by: string
  /** What its author said of this text, if anything. */
  note?: string
}

/** An earlier text with its facts. */
export interface PromptVersionText {
  version: PromptVersion
  content: string
}

/**
 * Prompt texts. They are written only by {@link TopicRepository.save}; a written one never changes.
 *
 * @example
 * const [newest] = await prompts.history('goals', 'system')
 * if (newest) {
 *   const { version, content } = await prompts.readVersion('goals', 'system', newest.version_id)
 *   console.log(`revision ${version.revision} by ${version.updated_by}`, content)
 * }
 */
export interface PromptStore {
  /**
   * The text that `info` describes.
   *
   * @throws AppError `unavailable` when it cannot be read.
   */
  read(topic_id: string, info: PromptInfo): Promise<string>

  /** Every text that this prompt had while it was published, newest first; survives deletion. */
  history(topic_id: string, prompt_type: string): Promise<PromptVersion[]>

  /**
   * One text of the history, by the `version_id` that {@link history} answers.
   *
   * @throws AppError `not_found`.
   */
  readVersion(topic_id: string, prompt_type: string, version_id: string): Promise<PromptVersionText>
}

/** What history says of a text, except how its store names it. */
export function versionFacts(info: Omit<PromptVersion, 'version_id'>): Omit<PromptVersion, 'version_id'> {
  const { revision, sha256, bytes, updated_at, updated_by, note } = info
  return { revision, sha256, bytes, updated_at, updated_by, ...(note !== undefined && { note }) }
}

/** Path of a text, below the data folder and in the bucket alike. */
export function promptKey(topic_id: string, prompt_type: string): string {
  return `prompts/${topic_id}/${prompt_type}.md`
}

/** The facts of a text that its record keeps. */
export function fingerprint(text: string): { sha256: string; bytes: number } {
  return { sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) }
}
