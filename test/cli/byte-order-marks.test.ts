import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { parameter } from '../helpers/parameters.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

// Entry points of texts: files of the data folder, folders and files to import, --file, --parameters @file and -, stdin,
// keys.json. Objects in S3: foreign-records.test.ts; secrets: jwt-secret.test.ts.

const MARK = '\uFEFF'
const TEXT = 'Hello {{name}}'
const content = topicContent('t', { user: TEXT }, [parameter('name')])

/** A folder with topic `t`, of which every file begins with a mark. */
async function markedFolder(): Promise<string> {
  const folder = await folderWith(content)
  for (const path of ['topics/t.json', 'prompts/t/user.md']) await mark(join(folder, path))
  return folder
}

async function mark(path: string): Promise<void> {
  await writeFile(path, MARK + (await readFile(path, 'utf8')))
}

async function fileWith(text: string): Promise<string> {
  const path = join(await tempFolder(), 'file')
  await writeFile(path, text)
  return path
}

/** Runs a command on a folder that must succeed; answers its `data`. */
async function dataOf(PROMPTS_DATA_DIR: string, words: string[], stdin = ''): Promise<unknown> {
  const { code, stdout, stderr } = await runCommand([...words, '--json'], { PROMPTS_DATA_DIR }, { stdin })
  if (code !== 0) throw new Error(stderr)
  return (JSON.parse(stdout) as { data: unknown }).data
}

const fetched = (folder: string) => dataOf(folder, ['prompts', 'fetch', 't'])
const SERVED = { topic_id: 't', prompts: { user: TEXT } }

describe('a byte-order mark is no part of the text', () => {
  test('in the data folder', async () => {
    expect(await fetched(await markedFolder())).toEqual(SERVED)
  })

  test('in a folder to import', async () => {
    const store = await tempFolder()
    await dataOf(store, ['import', await markedFolder()])
    expect(await fetched(store)).toEqual(SERVED)
  })

  test('before a JSON file to import', async () => {
    const store = await tempFolder()
    const topics = [{ ...content.definition, prompts: content.texts }]
    await dataOf(store, ['import', await fileWith(MARK + JSON.stringify({ topics }))])
    expect(await fetched(store)).toEqual(SERVED)
  })

  test.each(['--file', 'stdin'])('of a text from %s', async (from) => {
    const store = await folderWith(topicContent('t', {}, [parameter('name')]))
    const words = ['prompts', 'create', 't', 'user']
    if (from === 'stdin') await dataOf(store, words, MARK + TEXT)
    else await dataOf(store, [...words, '--file', await fileWith(MARK + TEXT)])
    expect(await fetched(store)).toEqual(SERVED)
  })

  test.each(['@file', '-'])('of --parameters %s', async (from) => {
    const values = `${MARK}{"name": "Ada"}`
    const source = from === '-' ? '-' : `@${await fileWith(values)}`
    const words = ['prompts', 'render', 't', '--parameters', source]
    const data = await dataOf(await folderWith(content), words, from === '-' ? values : '')
    expect(data).toEqual({ topic_id: 't', prompts: { user: 'Hello Ada' } })
  })

  test('of the keys of a data folder', async () => {
    const store = await tempFolder()
    await runCommand(['keys', 'create', '--name', 'x'], { PROMPTS_DATA_DIR: store })
    await mark(join(store, '.purposepath/keys.json'))
    expect(await dataOf(store, ['keys', 'list'])).toHaveLength(1)
  })

  test('only once, and an edit that writes files again leaves it out', async () => {
    const store = await markedFolder()
    await mark(join(store, 'prompts/t/user.md'))
    expect(await fetched(store)).toEqual({ topic_id: 't', prompts: { user: MARK + TEXT } })
    await dataOf(store, ['prompts', 'update', 't', 'user', '--content', 'New'])
    expect(await readFile(join(store, 'prompts/t/user.md'), 'utf8')).toBe('New')
  })
})

test('a text that begins with the character U+FEFF itself survives every file', async () => {
  const text = `${MARK}${TEXT}`
  const store = await folderWith(topicContent('t', {}, [parameter('name')]))
  await dataOf(store, ['prompts', 'create', 't', 'user', '--content', text])
  const [out, other] = [await tempFolder(), await tempFolder()]
  await runCommand(['export', out], { PROMPTS_DATA_DIR: store })
  await dataOf(other, ['import', out])
  for (const folder of [store, other]) {
    expect(await fetched(folder)).toEqual({ topic_id: 't', prompts: { user: text } })
    expect(await dataOf(folder, ['prompts', 'history', 't', 'user'])).toHaveLength(1)
  }
})
