import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import type { TopicContent } from '../../domain/topic.ts'
import { MAX_IMPORT, promptsOf } from './export.ts'

/**
 * Writes topics as files for Langfuse's import: one, or several with numbers (`prompts-2.json`) because one import takes
 * at most 500.
 *
 * @returns what was written and what Langfuse cannot hold, in sentences.
 * @throws AppError `unavailable` when it cannot be written there.
 */
export async function writeLangfuse(path: string, contents: readonly TopicContent[]): Promise<string[]> {
  const { prompts, notes } = promptsOf(contents)
  try {
    await mkdir(dirname(path), { recursive: true })
    for (let start = 0; start === 0 || start < prompts.length; start += MAX_IMPORT) {
      const part = prompts.slice(start, start + MAX_IMPORT)
      const file = numbered(path, start / MAX_IMPORT + 1)
      await writeFile(file, `${JSON.stringify(part, null, 2)}\n`)
      notes.push(`Exported ${part.length} prompts to ${file}.`)
    }
  } catch (error) {
    throw new AppError('unavailable', `Cannot write ${path}: ${(error as Error).message}`, { cause: error })
  }
  return notes
}

function numbered(path: string, number: number): string {
  return number === 1 ? path : path.replace(/(\.json)?$/i, `-${number}$1`)
}
