import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

function doctor(folder: string) {
  return runCommand(['doctor'], { PROMPTS_DATA_DIR: folder })
}

function linesOf(stdout: string, kind: 'ok' | 'note' | 'fail'): string[] {
  return stdout.split('\n').filter((line) => line.startsWith(kind))
}

test('a healthy installation is all ok, and exits with 0', async () => {
  const folder = await folderWith(topicContent('a', { user: 'x' }), topicContent('b', { user: 'x' }))
  await runCommand(['keys', 'create', '--name', 'x'], { PROMPTS_DATA_DIR: folder })
  const { code, stdout, stderr } = await doctor(folder)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    `ok    Node.js ${process.version}`,
    'ok    Settings: store files, stage dev, 127.0.0.1:3000',
    'ok    Language model: none, so analyses are not answered (PROMPTS_LLM)',
    `ok    Data folder ${folder} can be read and written`,
    'ok    Topics: 2, of which active: 2',
    'ok    API keys: 1',
    '',
  ])
})

test('no key is worth a note that says how to make one', async () => {
  const { code, stdout } = await doctor(await tempFolder())
  expect(code).toBe(0)
  expect(linesOf(stdout, 'note').join()).toContain('keys create --name')
})

test('revoked and expired keys are no keys', async () => {
  const folder = await tempFolder()
  const keys = (...words: string[]) => runCommand(['keys', ...words], { PROMPTS_DATA_DIR: folder })
  await keys('create', '--name', 'gone')
  await keys('revoke', 'gone')
  const expired = { id: 'x', name: 'old', prefix: 'p', created_at: '2020-01-01T00:00:00.000Z' }
  const file = join(folder, '.purposepath/keys.json')
  await writeFile(
    file,
    JSON.stringify([{ ...expired, expires_at: '2020-01-02T00:00:00.000Z', sha256: '0'.repeat(64) }]),
  )
  expect(linesOf((await doctor(folder)).stdout, 'note').join()).toContain('keys create --name')
})

test('invalid topics are named with what is wrong, and only as invalid', async () => {
  const folder = await folderWith(
    topicContent('good', { user: 'x' }),
    topicContent('hurt', { user: '{{nobody}}' }),
  )
  await writeFile(join(folder, 'topics/broken.json'), '{')
  const { code, stdout } = await doctor(folder)
  expect(code).toBe(0)
  const notes = linesOf(stdout, 'note').filter((line) => !line.includes('keys create'))
  expect(notes).toEqual([
    'note  Topic broken is invalid and not served until its files are fixed: topics/broken.json: is not JSON.',
    'note  Topic hurt is invalid and not served until its files are fixed: prompts/hurt/user.md:1:1: "nobody" is not declared.',
  ])
  expect(stdout).toContain('Topics: 1, of which active: 1')
})

test('a topic with an edit that may be incomplete is named as one that is served', async () => {
  const folder = await folderWith(topicContent('t', { user: 'x' }))
  await doctor(folder)
  await writeFile(join(folder, 'prompts/t/user.md'), '{{nobody}}')
  const { stdout } = await doctor(folder)
  expect(linesOf(stdout, 'note').filter((line) => line.includes('Topic'))).toEqual([
    'note  Topic t is served as it was published last, because it is being edited: prompts/t/user.md:1:1: "nobody" is not declared.',
  ])
  expect(stdout).toContain('Topics: 1, of which active: 1')
})

test('a definition and a text that are named by no identifier are noted', async () => {
  const folder = await folderWith(topicContent('goals', { user: 'x' }))
  await writeFile(join(folder, 'topics/My-Goals.json'), '{}')
  await writeFile(join(folder, 'prompts/goals/System.md'), 'x')
  const { stdout } = await doctor(folder)
  expect(linesOf(stdout, 'note')).toEqual(
    expect.arrayContaining([
      'note  topics/My-Goals.json belongs to no topic by its name: topics/{topic_id}.json, in lower case',
      'note  prompts/goals/System.md belongs to no topic by its name: prompts/{topic_id}/{prompt_type}.md, in lower case',
    ]),
  )
})

test('a prompt folder of no topic is noted', async () => {
  const folder = await folderWith(topicContent('good', { user: 'x' }))
  await mkdir(join(folder, 'prompts/stray'))
  const { code, stdout } = await doctor(folder)
  expect(code).toBe(0)
  expect(linesOf(stdout, 'note')).toContain(
    'note  prompts/stray belongs to no topic by its name: prompts/{topic_id}/{prompt_type}.md, in lower case',
  )
})

test('an unusable data folder fails with exit code 1 and says on stdout how to fix it', async () => {
  const file = join(await tempFolder(), 'file')
  await writeFile(file, '')
  const { code, stdout, stderr } = await doctor(file)
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  const [failure = '', ...others] = linesOf(stdout, 'fail')
  expect(others).toEqual([])
  for (const part of [file, 'it is not a folder', 'PROMPTS_DATA_DIR']) expect(failure).toContain(part)
})

test('a port that browsers refuse is worth a note', async () => {
  const { code, stdout } = await runCommand(['doctor'], {
    PROMPTS_DATA_DIR: await tempFolder(),
    PROMPTS_PORT: '10080',
  })
  expect(code).toBe(0)
  expect(linesOf(stdout, 'note').join()).toContain('refuse to connect to port 10080')
})
