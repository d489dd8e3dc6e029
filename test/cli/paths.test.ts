import { existsSync } from 'node:fs'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { parameter } from '../helpers/parameters.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

/** Paths that the command line takes: each with the words that use it, and the name that a refusal gives it. */
const PATHS: [what: string, words: (path: string) => string[], name: string][] = [
  ['import PATH', (path) => ['import', path], 'path'],
  ['export PATH', (path) => ['export', path], 'path'],
  ['--file', (path) => ['prompts', 'update', 't', 'user', '--file', path], 'file'],
  ['--parameters @file', (path) => ['prompts', 'render', 't', '--parameters', `@${path}`], 'parameters'],
]

const AWAY = ['--from', 'http://127.0.0.1:9']
/** Paths of commands that need more to succeed; all are read in one place. */
const MORE: typeof PATHS = [
  ['check PATH', (path) => ['check', path], 'path'],
  ['push FOLDER', (path) => ['push', path, '--to', 'http://127.0.0.1:9'], 'folder'],
  ['pull FOLDER', (path) => ['pull', path, ...AWAY], 'folder'],
  ['--token-file', (path) => ['pull', 'x', ...AWAY, '--token-file', path], 'token-file'],
]

/** A home folder that holds something for each of these paths, and a data folder elsewhere. */
async function setUp() {
  const home = await tempFolder()
  vi.stubEnv('HOME', home)
  onTestFinished(() => void vi.unstubAllEnvs())
  const store = await folderWith(topicContent('t', { user: '{{name}}' }, [parameter('name')]))
  await cp(join(store, 'topics'), join(home, 'in', 'topics'), { recursive: true })
  await writeFile(join(home, 'text'), 'New {{name}}')
  await writeFile(join(home, 'values'), '{"name": "Ada"}')
  return { home, run: (words: string[]) => runCommand(words, { PROMPTS_DATA_DIR: store }) }
}

describe('~/ is the home folder', () => {
  test.each(
    PATHS.map(([what, words], index) => [what, words, ['in', 'out', 'text', 'values'][index]] as const),
  )('in %s', async (_, words, name) => {
    const { home, run } = await setUp()
    expect(await run(words(`~/${name}`))).toMatchObject({ code: 0 })
    expect(existsSync(join(home, `${name}`))).toBe(true)
  })
})

describe('a variable is refused with the reason', () => {
  const refused = [...PATHS, ...MORE].flatMap(([what, words, name]) =>
    ['\x24{HOME}/x', '%USERPROFILE%\\x', '$HOME/x', '~root/x'].map(
      (path) => [what, path, words, name] as const,
    ),
  )
  test.each(refused)('in %s: %s', async (_, path, words, name) => {
    const { run } = await setUp()
    expect(await run(words(path))).toEqual({
      code: 2,
      stdout: '',
      stderr: `Invalid input: ${name}: expected a path, which may begin with ~/; variables like $HOME are not replaced here.\n`,
    })
  })
})
