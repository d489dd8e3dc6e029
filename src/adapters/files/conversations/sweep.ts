import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONVERSATION_LIFETIME_MS, isExpired } from '../../../domain/conversation.ts'
import type { Clock } from '../../../util/time.ts'
import { replaceFile } from '../durable.ts'
import type { Layout } from '../layout.ts'
import { isMissing } from '../working-copy.ts'
import { historyIn } from './reading.ts'

const PAUSE_MS = 24 * 60 * 60_000

/**
 * Removes conversations that have expired: at most once a day for all processes together, which the file `swept`
 * remembers. Reads only those that were started long enough ago, as their ids say.
 *
 * @param erase removes one file.
 * @throws the first failure, when all others have been removed.
 */
export async function sweepExpired(
  layout: Layout,
  clock: Clock,
  erase: (path: string) => Promise<unknown>,
): Promise<void> {
  const marker = join(layout.conversations, 'swept')
  const now = clock().getTime()
  const last = Date.parse((await readFile(marker, 'utf8').catch(nothingIfMissing)).trim())
  if (now - last < PAUSE_MS) return
  await replaceFile(layout, marker, `${new Date(now).toISOString()}\n`, 0o600)
  const failures: unknown[] = []
  for (const folder of await readdir(layout.conversations, { withFileTypes: true })) {
    if (folder.isDirectory()) await sweepFolder(join(layout.conversations, folder.name)).catch(keepFailure)
  }
  if (failures.length > 0) throw failures[0]

  async function sweepFolder(folder: string): Promise<void> {
    const old = (await readdir(folder)).filter((name) => now - startIn(name) >= CONVERSATION_LIFETIME_MS)
    for (const name of old) await eraseIfExpired(join(folder, name)).catch(keepFailure)
  }

  async function eraseIfExpired(path: string): Promise<void> {
    const history = historyIn(path, await readFile(path))
    if (history && isExpired(history, clock)) await erase(path)
  }

  function keepFailure(error: unknown): void {
    // Another process has erased it.
    if (!isMissing(error)) failures.push(error)
  }
}

/** When a conversation was started, in milliseconds, by its id. */
function startIn(name: string): number {
  return Number.parseInt(name.replace('-', '').slice(0, 12), 16)
}

function nothingIfMissing(error: unknown): string {
  if (isMissing(error)) return ''
  throw error
}
