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
}

/**
 * The texts of prompts. They are written only by {@link TopicRepository.save}; a written one never changes.
 *
 * @example
 * const [newest] = await prompts.history('greeting', 'user')
 * const text = newest && (await prompts.readVersion('greeting', 'user', newest.version_id))
 */
export interface PromptStore {
  /**
   * The text that `info` means.
   *
   * @throws AppError `unavailable` when it cannot be read.
   */
  read(topic_id: string, info: PromptInfo): Promise<string>

  /** Every text that this prompt had while it was published, newest first; survives deletion. */
  history(topic_id: string, prompt_type: string): Promise<PromptVersion[]>

  /**
   * The text of an earlier version.
   *
   * @throws AppError `not_found`.
   */
  readVersion(topic_id: string, prompt_type: string, version_id: string): Promise<string>
}

/** Path of a text, below the data folder and in the bucket alike. */
export function promptKey(topic_id: string, prompt_type: string): string {
  return `prompts/${topic_id}/${prompt_type}.md`
}

/** The facts of a text that its record keeps. */
export function fingerprint(text: string): { sha256: string; bytes: number } {
  return { sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) }
}
