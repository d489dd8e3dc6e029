import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'
import { treeOf } from '../helpers/trees.ts'

const WITHOUT_STORE = { PROMPTS_DATA_DIR: '/dev/null/nowhere' }

test('check passes what is valid, without a store, and mentions what no prompt uses', async () => {
  const unused = { name: 'unused', type: 'string' as const, required: false }
  const folder = await folderWith(
    topicContent('a', { user: 'x' }, [unused]),
    topicContent('b', { user: 'y' }),
  )
  await writeFile(join(folder, 'topics/.DS_Store'), 'x')
  const before = await treeOf(folder)
  expect(await runCommand(['check', folder], WITHOUT_STORE)).toEqual({
    code: 0,
    stdout: '2 topics are valid.\n',
    stderr: 'Passed over topics/.DS_Store.\na: No prompt uses "unused".\n',
  })
  expect(await treeOf(folder)).toEqual(before)
})

test('check names every fault of every file and exits with 2', async () => {
  const folder = await folderWith(
    topicContent('a', { user: 'x {{one}}\n{{two}}' }),
    topicContent('b', { system: '{{#open}}' }),
  )
  await writeFile(join(folder, 'topics/broken.json'), '{')
  const { code, stdout, stderr } = await runCommand(['check', folder, '--json'], WITHOUT_STORE)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  const { errors } = JSON.parse(stderr) as { errors: { path: string; line?: number }[] }
  expect(errors.map(({ path, line }) => (line === undefined ? path : `${path}:${line}`)).sort()).toEqual([
    'prompts/a/user.md:1',
    'prompts/a/user.md:2',
    'prompts/b/system.md:1',
    'prompts/b/system.md:1',
    'topics/broken.json',
  ])
})

test('check answers as JSON, and passes the examples that come with the program', async () => {
  const { code, stdout } = await runCommand(['check', join(PACKAGE_ROOT, 'seeds'), '--json'], WITHOUT_STORE)
  expect({ code, topics: JSON.parse(stdout).data.length }).toEqual({ code: 0, topics: 6 })
})

test('check finds nothing where nothing is', async () => {
  expect((await runCommand(['check', join(await tempFolder(), 'x')], WITHOUT_STORE)).code).toBe(4)
})
