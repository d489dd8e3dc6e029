import { execFile } from 'node:child_process'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SETTLE_MS as PROGRAM_SETTLE_MS } from '../../../src/adapters/files/hand-edits.ts'
import type { Topic, TopicContent } from '../../../src/domain/topic.ts'
import { topicOf } from '../../contracts/store.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { failureOf } from '../../helpers/errors.ts'
import { FRESHNESS_MS, openFiles, SETTLE_MS } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { parameter } from '../../helpers/parameters.ts'
import { waitFor } from '../../helpers/program.ts'
import { openServices, putBodies } from '../../helpers/services.ts'
import { folderWith } from '../../helpers/source-folder.ts'
import { topicContent } from '../../helpers/topics.ts'

const run = promisify(execFile)

const bodies = (letter: string) => ({ system: `${letter} {{${letter}}}`, user: `${letter}: {{${letter}}}` })
/** Two valid states of a topic of which neither text fits the other's definition. */
const [A, B] = (['a', 'b'] as const).map(
  (letter) => (topic_id: string) => topicContent(topic_id, bodies(letter), [parameter(letter)]),
) as [(topic_id: string) => TopicContent, (topic_id: string) => TopicContent]

const DEFINITION = 'topics/t.json'
const SYSTEM = 'prompts/t/system.md'
const USER = 'prompts/t/user.md'

/** A running program on a folder that holds topic `t` in state A, and the files of state B in another folder. */
async function setUp() {
  const folder = await folderWith(A('t'))
  const next = await folderWith(B('t'))
  const services = await openServices(openFiles(folder))
  const { catalog } = services
  /** What is served: the letter of the state, or `torn` when texts and definition do not fit. Throws when nothing is. */
  async function served(): Promise<string> {
    const topic = catalog.published('t')
    return stateOf(topic, await catalog.texts(topic))
  }
  return {
    folder,
    services,
    served,
    copy: (path: string) => cp(join(next, path), join(folder, path)),
    remove: (path: string) => rm(join(folder, path), { recursive: true }),
    show: (path: string) => readFile(join(folder, path), 'utf8'),
  }
}

function stateOf(topic: Topic, texts: Readonly<Record<string, string>>): string {
  const [letter = ''] = topic.allowed_parameters.map(({ name }) => name)
  return JSON.stringify(texts) === JSON.stringify(bodies(letter)) ? letter : 'torn'
}

/** Looks as often as possible until `until` is true; answers everything that was seen, once each. */
async function watched(served: () => Promise<string>, until: () => boolean): Promise<string[]> {
  const seen = new Set<string>()
  while (!until()) {
    seen.add(await served())
    await setTimeout(1)
  }
  seen.add(await served())
  return [...seen]
}

describe('files that arrive one after the other', () => {
  it.each([
    ['texts first, as git writes them', [SYSTEM, USER, DEFINITION]],
    ['the definition first', [DEFINITION, SYSTEM, USER]],
  ])('are published together: %s', async (_, order) => {
    const { copy, served } = await setUp()
    let isDone = false
    const arrive = async () => {
      for (const path of order) {
        await copy(path)
        // Long enough to be noticed, and shorter than an edit may take.
        await setTimeout(FRESHNESS_MS / 2)
      }
      await waitFor(async () => (await served()) === 'b', 2_000)
      isDone = true
    }
    const [seen] = await Promise.all([watched(served, () => isDone), arrive()])
    expect(seen).toEqual(['a', 'b'])
  })

  it.each([
    ['one text', [USER]],
    ['everything', [SYSTEM, USER, 'prompts/t', DEFINITION]],
  ])('may go and come again, and no revision tells of it: %s', async (_, paths) => {
    const { folder, remove, served, services } = await setUp()
    const before = services.catalog.published('t')
    const away = await folderWith(A('t'))
    let isDone = false
    const goAndCome = async () => {
      for (const path of paths) await remove(path)
      await setTimeout(SETTLE_MS * 0.8)
      await cp(away, folder, { recursive: true })
      await setTimeout(SETTLE_MS * 2)
      isDone = true
    }
    const [seen] = await Promise.all([watched(served, () => isDone), goAndCome()])
    expect(seen).toEqual(['a'])
    expect(services.catalog.published('t')).toEqual(before)
  })

  it('wait for edits of other topics: a slow copy takes longer than a topic may be incomplete', async () => {
    const { folder, copy, served } = await setUp()
    await copy(SYSTEM)
    for (let number = 0; number < 8; number++) {
      await writeTopic(folder, topicContent(`other_${number}`, { user: 'x' }))
      await setTimeout(SETTLE_MS / 2)
      expect(await served()).toBe('a')
    }
    for (const path of [USER, DEFINITION]) await copy(path)
    await waitFor(async () => (await served()) === 'b', 2_000)
  })

  it('are not read while they are being written', async () => {
    const { folder, services } = await setUp()
    const before = await topicOf(services.topics, 't')
    for (let round = 0; round < 5; round++) {
      await writeFile(join(folder, USER), '')
      const reading = topicOf(services.topics, 't')
      await setTimeout(20)
      await writeFile(join(folder, USER), bodies('a').user)
      expect(await reading).toEqual(before)
    }
  })
})

describe('what stays invalid or missing', () => {
  it('is out once the files have been quiet, is named, and is back with the next valid edit', async () => {
    const { copy, services, served } = await setUp()
    const { catalog, warnings } = services
    await copy(SYSTEM)
    await waitFor(() => catalog.incomplete().size > 0, 2_000)
    expect([...catalog.incomplete()]).toEqual([['t', expect.stringContaining('"b" is not declared.')]])
    expect([catalog.invalid().size, await served()]).toEqual([0, 'a'])
    await waitFor(() => catalog.invalid().size > 0, SETTLE_MS + FRESHNESS_MS * 2)
    expect((await failureOf(served)).code).toBe('not_found')
    expect(warnings).toEqual(['topic t is invalid and not served until it is fixed; see doctor'])
    // Out is out: the next edit that is incomplete, too, does not bring it back for an instant.
    await copy(USER)
    await setTimeout(SETTLE_MS)
    expect((await failureOf(served)).code).toBe('not_found')
    await copy(DEFINITION)
    await waitFor(() => catalog.invalid().size === 0, 2_000)
    expect([await served(), catalog.incomplete().size]).toEqual(['b', 0])
  })

  it('is deleted once the files have been quiet, when it is missing', async () => {
    const { remove, services } = await setUp()
    const { catalog } = services
    await remove(USER)
    await waitFor(() => catalog.incomplete().get('t')?.startsWith('prompts/t/user.md '), 2_000)
    expect(catalog.published('t').prompts).toHaveLength(2)
    await waitFor(() => catalog.published('t').prompts.length === 1, 2_000)
    expect(catalog.incomplete().size).toBe(0)
    await remove(DEFINITION)
    await waitFor(() => catalog.topic('t').deleted_at !== undefined, 2_000)
  })

  it('is no obstacle to what others edit', async () => {
    const { folder, copy, services } = await setUp()
    await copy(SYSTEM)
    await writeTopic(folder, topicContent('other', { user: 'x' }))
    await waitFor(() => services.catalog.list().length === 2, FRESHNESS_MS + 500)
  })
})

describe('a program that starts in the middle of an edit', () => {
  it('serves what was published last, and takes out what has been invalid for long', async () => {
    const { folder, copy } = await setUp()
    await copy(SYSTEM)
    const early = (await openServices(openFiles(folder))).catalog
    expect(early.published('t').allowed_parameters).toEqual([parameter('a')])
    expect(early.invalid().size).toBe(0)
    await setTimeout(SETTLE_MS)
    const late = (await openServices(openFiles(folder))).catalog
    expect([...late.invalid().keys()]).toEqual(['t'])
  })
})

describe('an edit over the API', () => {
  it('of a topic that is being edited by hand is refused with the reason, and loses no file', async () => {
    const { copy, services, show, served } = await setUp()
    await copy(SYSTEM)
    const refused = await failureOf(() => putBodies(services, 't', { user: 'mine: {{a}}' }))
    expect(refused.code).toBe('conflict')
    expect(refused.message).toContain('prompts/t/system.md:1:3: "b" is not declared.')
    expect([await show(SYSTEM), await show(USER)]).toEqual([bodies('b').system, bodies('a').user])
    for (const path of [USER, DEFINITION]) await copy(path)
    await waitFor(async () => (await served()) === 'b', 2_000)
    await putBodies(services, 't', { user: 'mine: {{b}}' })
    expect(await show(USER)).toBe('mine: {{b}}')
  })

  it('leaves alone a file that changes while it is being published', async () => {
    const { folder, services, show } = await setUp()
    let last = ''
    for (let number = 0; number < 15; number++) {
      const saving = putBodies(services, 't', { user: `api ${number}: {{a}}` }).catch(() => {})
      await setTimeout(number / 2)
      last = `hand ${number}: {{a}}`
      // As editors do: the file is another one afterwards.
      await writeFile(join(folder, 'draft'), last)
      await rename(join(folder, 'draft'), join(folder, SYSTEM))
      await saving
      expect(await show(SYSTEM)).toBe(last)
    }
    expect(await show(SYSTEM)).toBe(last)
    await waitFor(
      async () => (await services.catalog.texts(services.catalog.published('t')))['system'] === last,
    )
  })
})

it('two valid commits never take a topic out, nor serve a mixture, in either direction', async () => {
  const ids = Array.from({ length: 120 }, (_, number) => `t_${number}`)
  const folder = await tempFolder()
  const git = (...words: string[]) =>
    run('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words])
  await git('init', '--quiet')
  for (const [name, state] of [
    ['A', A],
    ['B', B],
  ] as const) {
    for (const id of ids) await writeTopic(folder, state(id))
    await git('add', '--all')
    await git('commit', '--quiet', '--message', name)
    await git('tag', name)
  }
  const { catalog } = await openServices(openFiles(folder, PROGRAM_SETTLE_MS))
  const stateNow = async (id: string) => {
    const topic = catalog.published(id)
    return stateOf(topic, await catalog.texts(topic))
  }
  for (const [tag, letter] of [
    ['A', 'a'],
    ['B', 'b'],
  ] as const) {
    const seen = new Set<string>()
    const look = async () => {
      const states = await Promise.all(ids.map(stateNow))
      for (const state of states) seen.add(state)
      return states.every((state) => state === letter)
    }
    const [arrived] = await Promise.all([waitFor(look, 12_000), git('checkout', '--quiet', tag)])
    expect(arrived).toBe(true)
    expect([...seen].sort()).toEqual(['a', 'b'])
  }
}, 30_000)
