import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Every file below a folder, by its path there, with its bytes as Latin-1 text: equal only if identical. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const contents = files.sort().map(async (file) => [relative(folder, file), await readFile(file, 'latin1')])
  return Object.fromEntries(await Promise.all(contents))
}

/** Paths of the files below a folder that say something of topics: no locks, no leftovers of opening it. */
export async function topicFilesOf(folder: string): Promise<string[]> {
  return Object.keys(await treeOf(folder)).filter((path) => path !== join('.purposepath', '.gitignore'))
}
