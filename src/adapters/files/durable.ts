import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Layout } from './layout.ts'

/**
 * Replaces a file in one step: a reader sees the old content or the new, also after `kill -9` or a power
 * cut. Our own because the usual library does not sync the folder, without which a rename may be lost.
 *
 * @param mode the file's permissions; by default what the process gives every new file.
 */
export async function replaceFile(
  layout: Layout,
  path: string,
  content: string,
  mode?: number,
): Promise<void> {
  const temporary = join(layout.tmp, randomUUID())
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    layout.assertHeld?.()
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
