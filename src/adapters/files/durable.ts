import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Where a file is prepared before it takes its place. */
export interface Workspace {
  /** A folder on the same file system. */
  tmp: string
  /** Called before the file takes its place; throws when it must not. */
  assertHeld?: () => void
}

/**
 * Replaces a file in one step: readers see the old content or the new, also after `kill -9` or a power cut. Our own
 * because the usual library does not sync the folder, without which a rename may be lost.
 *
 * @param mode the file's permissions; default: those of every new file of the process.
 */
export async function replaceFile(
  { tmp, assertHeld }: Workspace,
  path: string,
  content: string,
  mode?: number,
): Promise<void> {
  const temporary = join(tmp, `${basename(path)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    assertHeld?.()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder; there a rename is as durable as the file system makes it.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
