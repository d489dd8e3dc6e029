import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fingerprint } from '../../../src/domain/prompt-store.ts'
import { definitionOf } from '../../../src/domain/topic.ts'
import { infoOf, newTopic, topicOf, versionText } from '../../contracts/store.ts'
import { failureOf } from '../../helpers/errors.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { parameter } from '../../helpers/parameters.ts'
import { bundledScript } from '../../helpers/script.ts'
import { topicContent, topicRecord } from '../../helpers/topics.ts'

const WRITER = await bundledScript(new URL('writer.ts', import.meta.url))
/** Stores that are written and killed side by side: the next writer waits for a dead one's lock. */
const LANES = 6
const KILLS = 7

/** Starts a writer, kills it at a random instant of its work, and answers the last revision it said was safe. */
async function writeAndKill(folder: string): Promise<number> {
  const child = spawn(process.execPath, [WRITER, 'endless', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let acknowledged = 0
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    acknowledged = Number(line)
  })
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')])
  await Promise.race([once(lines, 'line'), ended.then(() => failedToStart(child))])
  await setTimeout(Math.random() * 150)
  child.kill('SIGKILL')
  await ended
  return acknowledged
}

function failedToStart(child: ChildProcess): never {
  throw new Error(`the writer ended by itself with ${child.exitCode}`)
}

/** Reads topic `t` as a program that starts after the crash, and checks that everything about it fits together. */
async function inspect(folder: string, acknowledged: number): Promise<void> {
  const { topics, prompts } = openFiles(folder)
  const topic = await topicOf(topics, 't')
  expect(topic.revision).toBeGreaterThanOrEqual(acknowledged)
  expect(topic.revision).toBeLessThanOrEqual(acknowledged + 1)
  const number = topic.description
  expect(topic.allowed_parameters).toEqual([parameter(`p_${number}`)])
  for (const info of topic.prompts) {
    const body = await prompts.read('t', info)
    expect(body.startsWith(`${number} {{p_${number}}} `)).toBe(true)
    expect(fingerprint(body)).toEqual({ sha256: info.sha256, bytes: info.bytes })
    expect(info.revision).toBe(topic.revision)
    expect(await readFile(join(folder, info.s3_key), 'utf8')).toBe(body)
    const history = await prompts.history('t', info.prompt_type)
    expect(history.map(({ revision }) => revision)).toEqual(
      Array.from({ length: info.revision }, (_, index) => info.revision - index),
    )
  }
  expect(JSON.parse(await readFile(join(folder, 'topics', 't.json'), 'utf8'))).toEqual(definitionOf(topic))
  expect(await topicOf(topics, 't')).toEqual(topic)
}

it('a writer killed at any instant leaves the old or the new topic, and nothing acknowledged is lost', async () => {
  const lanes = Array.from({ length: LANES }, async () => {
    const folder = await tempFolder()
    for (let kill = 0; kill < KILLS; kill++) await inspect(folder, await writeAndKill(folder))
  })
  await Promise.all(lanes)
})

describe('a writer that died', () => {
  /** A store whose writer died after making a change public and before all files showed it. */
  async function diedBetween(shown: readonly string[]) {
    const folder = await tempFolder()
    const { topics, layout } = openFiles(folder)
    const version = (name: string) =>
      topicContent('t', { system: name, user: `{{${name}}}` }, [parameter(name)])
    const files = ['topics/t.json', 'prompts/t/system.md', 'prompts/t/user.md']
    const first = await topics.save(topicRecord(version('one')), version('one').texts)
    const old = await Promise.all(files.map((path) => readFile(join(folder, path), 'utf8')))
    const record = topicRecord(version('two'), first.revision, 2)
    const second = await topics.save(record, version('two').texts)
    for (const [index, path] of files.entries()) {
      if (!shown.includes(path)) await writeFile(join(folder, path), old[index] as string)
    }
    const state = JSON.parse(await readFile(layout.state('t'), 'utf8'))
    await writeFile(layout.state('t'), JSON.stringify({ ...state, pending: true }))
    return { folder, second }
  }

  it.each([
    ['no file', []],
    ['one text', ['prompts/t/user.md']],
    ['all texts', ['prompts/t/user.md', 'prompts/t/system.md']],
    ['the definition', ['topics/t.json']],
    ['every file', ['prompts/t/user.md', 'prompts/t/system.md', 'topics/t.json']],
  ])('after it had written %s leaves a topic that the next reader completes', async (_, shown) => {
    const { folder, second } = await diedBetween(shown)
    const { topics } = openFiles(folder)
    expect(await topicOf(topics, 't')).toEqual(second)
    expect(await readFile(join(folder, 'prompts/t/user.md'), 'utf8')).toBe('{{two}}')
    expect(await readFile(join(folder, 'prompts/t/system.md'), 'utf8')).toBe('two')
    expect(JSON.parse(await readFile(join(folder, 'topics/t.json'), 'utf8'))).toEqual(definitionOf(second))
  })

  it('leaves no obstacle to the next save', async () => {
    const { folder, second } = await diedBetween(['prompts/t/user.md'])
    const { topics } = openFiles(folder)
    expect((await topics.save({ ...second, topic_name: 'Next' }, {})).revision).toBe(3)
  })

  it('before it made its text public leaves no trace of it, and the next text takes its place', async () => {
    const folder = await tempFolder()
    const { topics, prompts, layout } = openFiles(folder)
    const saved = await topics.save(newTopic('t', { user: 'one' }), { user: 'one' })
    const leftover = { ...infoOf(saved, 'user'), revision: 2, content: 'never public' }
    await writeFile(layout.version('t', 'user', 2), JSON.stringify(leftover))
    expect((await prompts.history('t', 'user')).map(({ revision }) => revision)).toEqual([1])
    expect((await failureOf(() => prompts.readVersion('t', 'user', '2'))).code).toBe('not_found')
    const record = topicRecord(topicContent('t', { user: 'two' }), saved.revision, 2)
    await topics.save(record, { user: 'two' })
    expect(await versionText(prompts, 't', 'user', '2')).toBe('two')
  })

  it('leaves its temporary files to the next start that finds them old', async () => {
    const folder = await tempFolder()
    const { layout } = openFiles(folder)
    for (const name of ['fresh', 'old']) await writeFile(join(layout.tmp, name), 'x')
    const tenMinutesAgo = new Date(Date.now() - 600_000)
    await utimes(join(layout.tmp, 'old'), tenMinutesAgo, tenMinutesAgo)
    openFiles(folder)
    expect(await readdir(layout.tmp)).toEqual(['fresh'])
  })
})
