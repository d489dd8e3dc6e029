import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openBackend } from '../../src/backends/open.ts'
import { loadConfig } from '../../src/config.ts'
import type { Check } from '../../src/deployment/check.ts'
import { tempFolder } from '../helpers/folders.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

const backendIn = (PROMPTS_DATA_DIR: string) =>
  openBackend(loadConfig({ PROMPTS_DATA_DIR }), { warn: () => {}, longRunning: false })

async function checksOf(folder: string): Promise<Check[]> {
  const checks: Check[] = []
  for await (const check of (await backendIn(folder)).check()) checks.push(check)
  return checks
}

test('a data folder is described, seeds itself, and needs nothing to be provisioned', async () => {
  const backend = await backendIn('/data')
  expect(backend.describe()).toEqual({
    data: '/data',
    conversations: 'folder /data/.purposepath/conversations',
    fix: 'its files are fixed',
  })
  expect([backend.seedsItself, backend.provision]).toEqual([true, undefined])
})

test('a data folder is made with the first part that is opened', async () => {
  const folder = join(await tempFolder(), 'data')
  const backend = await backendIn(folder)
  expect(existsSync(folder)).toBe(false)
  await backend.openKeys()
  expect(existsSync(folder)).toBe(true)
})

test('a data folder is checked for files that belong to no topic', async () => {
  const folder = await folderWith(topicContent('good', { user: 'x' }))
  for (const id of ['stray', 'My-Goals']) await mkdir(join(folder, 'prompts', id))
  await writeFile(join(folder, 'prompts/good/USER.md'), 'x')
  await writeFile(join(folder, 'prompts/My-Goals/system.md'), 'x')
  await writeFile(join(folder, 'topics/My-Goals.json'), '{}')
  // Nobody means these as a part of a topic.
  for (const path of [
    'topics/.DS_Store',
    'prompts/.DS_Store',
    'prompts/good/user.md~',
    'prompts/good/.user.md.swp',
  ]) {
    await writeFile(join(folder, path), 'x')
  }
  const [first, ...notes] = await checksOf(folder)
  expect(first).toEqual({ level: 'ok', text: `Data folder ${folder} can be read and written` })
  expect(notes.map(({ level, text }) => `${level} ${text.split(' ')[0]}`).sort()).toEqual([
    'note prompts/My-Goals',
    'note prompts/good/USER.md',
    'note prompts/stray',
    'note topics/My-Goals.json',
  ])
})

test('a data folder that cannot be used fails its check, which never throws', async () => {
  const file = join(await tempFolder(), 'file')
  await writeFile(file, '')
  const [failure, ...others] = await checksOf(file)
  expect(failure).toEqual({ level: 'fail', text: expect.stringContaining('it is not a folder') })
  expect(others).toEqual([])
})
