import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openCatalog } from '../../../src/services/catalog/sync.ts'
import { systemClock } from '../../../src/util/time.ts'
import { newTopic } from '../../contracts/store.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { waitFor } from '../../helpers/program.ts'

/** A store with the topics `good` and `odd`, each with a user prompt. */
async function setUp(folder: string) {
  const store = openFiles(folder)
  for (const id of ['good', 'odd']) await store.topics.save(newTopic(id, { user: id }), { user: id })
  return store
}

async function catalogOf(folder: string) {
  const catalog = await openCatalog({
    ...openFiles(folder),
    clock: systemClock,
    staleIfErrorMs: 60_000,
    warn: () => {},
  })
  onTestFinished(() => catalog.close())
  return catalog
}

describe('one odd file takes out its own topic alone', () => {
  const oddities: [string, (folder: string) => Promise<unknown>][] = [
    [
      'a folder named like a definition',
      (folder) => replace(folder, 'topics/odd.json', (path) => mkdir(path)),
    ],
    ['a folder named like a text', (folder) => mkdir(join(folder, 'prompts/odd/extra.md'))],
    [
      'a file in place of the prompt folder',
      (folder) => replace(folder, 'prompts/odd', (path) => writeFile(path, '')),
    ],
    ['a link to itself', (folder) => symlink('loop.md', join(folder, 'prompts/odd/loop.md'))],
    ['a record that is no record', (folder) => writeFile(join(folder, '.purposepath/state/odd.json'), '{}')],
    ['a record that is no JSON', (folder) => writeFile(join(folder, '.purposepath/state/odd.json'), 'x')],
  ]
  it.each(oddities)('%s', async (_, spoil) => {
    const folder = join(await tempFolder(), 'store')
    await setUp(folder)
    await spoil(folder)
    const catalog = await catalogOf(folder)
    await waitFor(() => catalog.invalid().size > 0)
    expect(catalog.list().map(({ topic_id }) => topic_id)).toEqual(['good'])
    expect([...catalog.invalid().keys()]).toEqual(['odd'])
  })
})

it('a link to itself beside the texts is no outage', async () => {
  const folder = join(await tempFolder(), 'store')
  await setUp(folder)
  await symlink('loop', join(folder, 'prompts/odd/loop'))
  const catalog = await catalogOf(folder)
  // Longer than the first look at the whole store takes to come.
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(catalog.staleSince()).toBeUndefined()
})

it('another store in the same place replaces what was known', async () => {
  const parent = await tempFolder()
  const folder = join(parent, 'store')
  const { topics } = await setUp(folder)
  const second = await topics.save(
    { ...newTopic('good', { user: 'good' }), revision: 1, topic_name: 'Second' },
    {},
  )
  expect(second.revision).toBe(2)
  const other = openFiles(join(parent, 'other'))
  await other.topics.save(
    { ...newTopic('good', { user: 'other text' }), topic_name: 'Other' },
    { user: 'other text' },
  )
  const catalog = await catalogOf(folder)
  expect(catalog.topic('good').topic_name).toBe('Second')
  await rename(folder, join(parent, 'old'))
  await rename(join(parent, 'other'), folder)
  await waitFor(() => catalog.list().length === 1 && catalog.topic('good').topic_name === 'Other')
  expect(await catalog.texts(catalog.topic('good'))).toEqual({ user: 'other text' })
})

async function replace(
  folder: string,
  path: string,
  make: (path: string) => Promise<unknown>,
): Promise<void> {
  await rm(join(folder, path), { recursive: true })
  await make(join(folder, path))
}
