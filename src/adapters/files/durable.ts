import { randomUUID } from 'node:crypto'
import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { withoutByteOrderMark } from '../../util/json.ts'

/** Where a file is prepared before it takes its place. */
export interface Workspace {
  /** A folder, best on the same file system. */
  tmp: string
  /** Called before the file takes its place; throws when it must not. */
  assertHeld?: () => void
}

/** The text of a file that this program has written, and that an editor may have put a byte-order mark before. */
export function readTextFile(path: string): string {
  return withoutByteOrderMark(readFileSync(path, 'utf8'))
}

/**
 * Replaces a file in one step: readers see the old content or the new, also after `kill -9` or a power cut. Our own
 * because the usual library does not sync the folder, without which a rename may be lost.
 *
 * A symbolic link stays, and the file that it leads to is replaced.
 *
 * @param mode the file's permissions; default: those of every new file of the process.
 */
export async function replaceFile(
  { tmp, assertHeld }: Workspace,
  path: string,
  content: string,
  mode?: number,
): Promise<void> {
  const target = targetOf(path)
  const name = `${basename(target)}.${randomUUID()}.tmp`

  async function replaceBy(temporary: string): Promise<void> {
    try {
      await writeSynced(temporary, content, mode)
      assertHeld?.()
      await rename(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  try {
    await replaceBy(join(tmp, name))
  } catch (error) {
    // A link or a mount leads to another file system, and only within one a rename is a single step.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await replaceBy(join(dirname(target), `.${name}`))
  }
  await syncFolder(dirname(target))
}

/** The file that a path leads to. Throws for a link to nothing. */
export function targetOf(path: string): string {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  return isLink ? realpathSync(path) : path
}

async function writeSynced(path: string, content: string, mode: number | undefined): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes durable which files a folder has. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder; there a rename is as durable as the file system makes it.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
