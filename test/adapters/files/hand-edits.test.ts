import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StoreEvent, TopicRepository } from '../../../src/domain/topic.ts'
import { infoOf, newTopic, topicOf } from '../../contracts/store.ts'
import { failureOf } from '../../helpers/errors.ts'
import { FRESHNESS_MS, openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { waitFor } from '../../helpers/program.ts'
import { topicContent } from '../../helpers/topics.ts'

const BODY = 'prompts/t/user.md'
const DEFINITION = 'topics/t.json'
const definition = (id: string, changes: object = {}) =>
  JSON.stringify({ ...topicContent(id).definition, ...changes })

/** Two stores on one folder that holds topic `t` with the user prompt `old`, and a hand that edits its files. */
async function setUp() {
  const folder = join(await tempFolder(), 'store')
  const [mine, theirs] = [openFiles(folder), openFiles(folder)]
  const saved = await mine.topics.save(newTopic('t', { user: 'old' }), { user: 'old' })
  const edit = async (path: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  const remove = (path: string) => rm(join(folder, path), { recursive: true })
  const show = (path: string) => readFile(join(folder, path), 'utf8')
  return { folder, mine, theirs, saved, edit, remove, show }
}

async function reasonOf(topics: TopicRepository, topic_id = 't'): Promise<string> {
  const stored = await topics.get(topic_id)
  if (!stored || !('invalid' in stored)) throw new Error(`topic ${topic_id} is not invalid`)
  return stored.invalid
}

/** Waits until what is missing counts as deleted. */
async function settled(topics: TopicRepository): Promise<void> {
  await waitFor(async () => {
    const stored = await topics.get('t')
    return stored && !('invalid' in stored)
  }, 5_000)
}

describe('a hand edit', () => {
  it('of a text is a new revision by "file", the same for everybody', async () => {
    const { mine, theirs, saved, edit } = await setUp()
    await edit(BODY, 'new\r\ntext')
    const edited = await topicOf(theirs.topics, 't')
    expect(edited).toMatchObject({ revision: 2, updated_by: 'file', created_by: 'test' })
    expect(infoOf(edited, 'user')).toMatchObject({ revision: 2, updated_by: 'file', bytes: 9 })
    expect(await topicOf(mine.topics, 't')).toEqual(edited)
    expect(await mine.prompts.read('t', infoOf(edited, 'user'))).toBe('new\r\ntext')
    expect(await mine.prompts.read('t', infoOf(saved, 'user'))).toBe('old')
    expect(
      (await theirs.prompts.history('t', 'user')).map(({ revision, updated_by }) => [revision, updated_by]),
    ).toEqual([
      [2, 'file'],
      [1, 'test'],
    ])
  })

  it('found by two stores at once is still one revision', async () => {
    const { mine, theirs, edit } = await setUp()
    await edit(BODY, 'new')
    const found = await Promise.all([mine, theirs, mine, theirs].map(({ topics }) => topicOf(topics, 't')))
    expect(found.map(({ revision }) => revision)).toEqual([2, 2, 2, 2])
    expect(await mine.prompts.history('t', 'user')).toHaveLength(2)
  })

  it('of the definition changes the record and no text', async () => {
    const { theirs, saved, edit } = await setUp()
    await edit(DEFINITION, definition('t', { topic_name: 'By hand', config: { extra: [1] } }))
    const edited = await topicOf(theirs.topics, 't')
    expect(edited).toMatchObject({
      revision: 2,
      topic_name: 'By hand',
      config: { extra: [1] },
      updated_by: 'file',
    })
    expect(edited.prompts).toEqual(saved.prompts)
  })

  it('that changes only the look of a file is no change', async () => {
    const { theirs, saved, edit, show } = await setUp()
    const { topic_id, ...rest } = JSON.parse(definition('t', { description: null }))
    const text = `${JSON.stringify({ ...rest, revision: 7, updated_by: 'me' })}\r\n`
    await edit(DEFINITION, text)
    expect(topic_id).toBe('t')
    expect(await topicOf(theirs.topics, 't')).toEqual(saved)
    expect(await show(DEFINITION)).toBe(text)
  })

  it('that adds a text adds a prompt, and one that removes it removes the prompt', async () => {
    const { theirs, edit, remove } = await setUp()
    await edit('prompts/t/system.md', 'be kind')
    const added = await topicOf(theirs.topics, 't')
    expect(added.prompts.map(({ prompt_type }) => prompt_type).sort()).toEqual(['system', 'user'])
    await remove('prompts/t/system.md')
    await settled(theirs.topics)
    expect((await topicOf(theirs.topics, 't')).prompts.map(({ prompt_type }) => prompt_type)).toEqual([
      'user',
    ])
    await edit('prompts/t/system.md', 'be kind')
    expect(infoOf(await topicOf(theirs.topics, 't'), 'system').revision).toBe(2)
  })

  it('that adds files is a new topic', async () => {
    const { theirs, edit } = await setUp()
    await edit('prompts/fresh/user.md', '{{name}}')
    expect(await theirs.topics.get('fresh')).toBeUndefined()
    await edit(
      'topics/fresh.json',
      definition('fresh', { allowed_parameters: [{ name: 'name', type: 'string' }] }),
    )
    const created = await topicOf(theirs.topics, 'fresh')
    expect(created).toMatchObject({ revision: 1, created_by: 'file', updated_by: 'file', is_active: true })
    expect(infoOf(created, 'user')).toMatchObject({ revision: 1, bytes: 8 })
  })

  it('that removes the files deletes the topic, keeps its history and can be taken back', async () => {
    const { mine, theirs, edit, remove } = await setUp()
    await edit(BODY, 'second')
    await topicOf(mine.topics, 't')
    await remove(DEFINITION)
    await remove('prompts/t')
    await settled(theirs.topics)
    const deleted = await topicOf(theirs.topics, 't')
    expect(deleted).toMatchObject({ revision: 3, is_active: false, updated_by: 'file' })
    expect(deleted.deleted_at).toBe(deleted.updated_at)
    expect(await theirs.prompts.history('t', 'user')).toHaveLength(2)
    await edit(BODY, 'third')
    await edit(DEFINITION, definition('t'))
    const revived = await topicOf(mine.topics, 't')
    expect(revived).toMatchObject({ revision: 4, is_active: true, created_by: 'test' })
    expect(revived.deleted_at).toBeUndefined()
    expect(infoOf(revived, 'user').revision).toBe(3)
    expect((await theirs.prompts.history('t', 'user')).map(({ revision }) => revision)).toEqual([3, 2, 1])
  })

  it('between reading and saving makes the save a conflict, and stays', async () => {
    const { mine, saved, edit, show } = await setUp()
    await edit(BODY, 'by hand')
    const renamed = { ...saved, topic_name: 'New name' }
    expect((await failureOf(() => mine.topics.save(renamed, {}))).code).toBe('conflict')
    expect(await show(BODY)).toBe('by hand')
    const current = await topicOf(mine.topics, 't')
    expect(current).toMatchObject({ revision: 2, topic_name: 'Topic t' })
    const again = await mine.topics.save({ ...current, topic_name: 'New name' }, {})
    expect(await mine.prompts.read('t', infoOf(again, 'user'))).toBe('by hand')
  })
})

describe('invalid files', () => {
  const invalidFiles: [what: string, path: string, content: string | Uint8Array, says: string][] = [
    ['invalid JSON', DEFINITION, '{"topic_id": ', 'topics/t.json: is not JSON.'],
    ['another JSON value', DEFINITION, '[]', 'topics/t.json: is not a JSON object.'],
    ['an empty file', DEFINITION, '', 'topics/t.json: is not JSON.'],
    [
      'a wrong field',
      DEFINITION,
      definition('t', { is_active: 'yes' }),
      'topics/t.json: is_active: expected boolean.',
    ],
    [
      'an unknown field',
      DEFINITION,
      definition('t', { colour: 1 }),
      'topics/t.json: colour: "colour" is not a field here.',
    ],
    ['another id', DEFINITION, definition('other'), "topics/t.json: topic_id: is not the file's name."],
    ['an undeclared variable', BODY, 'a\n {{nobody}}', 'prompts/t/user.md:2:2: "nobody" is not declared.'],
    [
      'bytes that are not UTF-8',
      BODY,
      new Uint8Array([0x61, 0xff]),
      'prompts/t/user.md: is not valid UTF-8.',
    ],
    ['a NUL', BODY, 'a\0b', 'prompts/t/user.md: holds a NUL character.'],
    ['a text over 50 KB', BODY, 'é'.repeat(25_601), 'prompts/t/user.md: is larger than 51200 bytes.'],
  ]

  it.each(invalidFiles)(
    '%s takes out only this topic, is named, and can be fixed',
    async (_, path, content, says) => {
      const { theirs, saved, edit, show } = await setUp()
      await edit('topics/other.json', definition('other'))
      const before = await show(path)
      await edit(path, content)
      expect(await reasonOf(theirs.topics)).toBe(says)
      const all: string[] = []
      for await (const stored of theirs.topics.all()) all.push(`${stored.topic_id} ${'invalid' in stored}`)
      expect(all.sort()).toEqual(['other false', 't true'])
      await edit(path, before)
      expect(await topicOf(theirs.topics, 't')).toEqual(saved)
    },
  )

  it('makes a save a conflict that says why, and loses nothing', async () => {
    const { mine, theirs, saved, edit, show } = await setUp()
    await edit(BODY, 'my work {{oops}}')
    const error = await failureOf(() => mine.topics.save({ ...saved, topic_name: 'x' }, {}))
    expect(error.code).toBe('conflict')
    expect(error.message).toContain('prompts/t/user.md:1:9: "oops" is not declared.')
    expect(await show(BODY)).toBe('my work {{oops}}')
    await edit(BODY, 'my work')
    expect(await topicOf(theirs.topics, 't')).toMatchObject({
      revision: 2,
      topic_name: 'Topic t',
      updated_by: 'file',
    })
  })

  it('of seventeen texts is named as such', async () => {
    const { theirs, edit } = await setUp()
    for (let index = 0; index < 16; index++) await edit(`prompts/t/type_${index}.md`, 'x')
    expect(await reasonOf(theirs.topics)).toBe('prompts: are more than 16.')
  })

  it('is nothing that only looks like a file of ours', async () => {
    const { folder, theirs, saved, edit } = await setUp()
    for (const path of [
      'prompts/t/notes.txt',
      'prompts/t/Upper.md',
      'prompts/t/.user.md.swp',
      'topics/Upper.json',
      'topics/x.md',
    ]) {
      await edit(path, 'x')
    }
    await edit('prompts/stray/user.md', 'no definition')
    expect(await topicOf(theirs.topics, 't')).toEqual(saved)
    expect(await theirs.topics.get('stray')).toBeUndefined()
    expect(await readdir(join(folder, '.purposepath', 'state'))).toEqual(['t.json'])
  })
})

describe('a store that is out of reach', () => {
  it('answers unavailable, deletes nothing, and is as before when it comes back', async () => {
    const { folder, mine, saved } = await setUp()
    const events: StoreEvent[] = []
    onTestFinished((await mine.topics.watch((event) => void events.push(event))).close)
    await rename(folder, `${folder}-away`)
    const movedAt = performance.now()
    expect((await failureOf(() => mine.topics.get('t'))).code).toBe('unavailable')
    expect((await failureOf(() => mine.topics.save(saved, {}))).code).toBe('unavailable')
    expect((await failureOf(() => mine.prompts.read('t', infoOf(saved, 'user')))).code).toBe('unavailable')
    expect(performance.now() - movedAt).toBeLessThan(1000)
    await waitFor(() => events.some(({ reachable }) => !reachable))
    await rename(`${folder}-away`, folder)
    await waitFor(() => events.at(-1)?.reachable)
    expect(await topicOf(mine.topics, 't')).toEqual(saved)
    expect(await mine.prompts.read('t', infoOf(saved, 'user'))).toBe('old')
  })

  it.each(['topics', 'prompts', '.purposepath/state'])('may miss just %s', async (part) => {
    const { folder, mine, theirs, saved } = await setUp()
    await rename(join(folder, part), join(folder, 'away'))
    expect((await failureOf(() => mine.topics.get('t'))).code).toBe('unavailable')
    expect((await failureOf(() => mine.topics.save(saved, {}))).code).toBe('unavailable')
    await rename(join(folder, 'away'), join(folder, part))
    expect(await topicOf(theirs.topics, 't')).toEqual(saved)
  })

  it('tells what changed meanwhile', async () => {
    const { folder, mine } = await setUp()
    const events: StoreEvent[] = []
    onTestFinished((await mine.topics.watch((event) => void events.push(event))).close)
    await rename(folder, `${folder}-away`)
    await waitFor(() => events.some(({ reachable }) => !reachable))
    await writeFile(join(`${folder}-away`, BODY), 'meanwhile')
    await rename(`${folder}-away`, folder)
    await waitFor(() => events.some(({ reachable, topic_ids }) => reachable && topic_ids.includes('t')))
  })
})

describe('watching', () => {
  /** What must happen within the freshness bound; some leave for a busy machine. */
  const bound = FRESHNESS_MS + 200

  async function watched() {
    const store = await setUp()
    const seen = new Set<string>()
    const listener = ({ topic_ids }: StoreEvent) => topic_ids.forEach((id) => void seen.add(id))
    onTestFinished((await store.theirs.topics.watch(listener)).close)
    const noticed = async (id: string) => {
      await waitFor(() => seen.has(id), bound)
      seen.clear()
    }
    return { ...store, noticed }
  }

  it('notices every kind of change by other processes and by hand in time', async () => {
    const { mine, saved, edit, remove, noticed } = await watched()
    await mine.topics.save({ ...saved, topic_name: 'x' }, {})
    await noticed('t')
    await edit(BODY, 'by hand')
    await noticed('t')
    await edit(DEFINITION, definition('t', { is_active: false }))
    await noticed('t')
    await remove(BODY)
    await noticed('t')
    await remove(DEFINITION)
    await noticed('t')
  })

  it('notices edits in the folder of a topic that did not exist when it began', async () => {
    const { edit, remove, noticed } = await watched()
    await edit('prompts/fresh/user.md', 'x')
    await edit('topics/fresh.json', definition('fresh'))
    await noticed('fresh')
    for (const text of ['y', 'z']) {
      await edit('prompts/fresh/user.md', text)
      await noticed('fresh')
    }
    await remove('prompts/fresh')
    await noticed('fresh')
    await edit('prompts/fresh/user.md', 'again')
    await noticed('fresh')
    await edit('prompts/fresh/user.md', 'and again')
    await noticed('fresh')
  })
})
