import { describe, expect, it, onTestFinished } from 'vitest'
import { fingerprint, type PromptStore, promptKey } from '../../src/domain/prompt-store.ts'
import type { PromptInfo, PromptTexts, StoreEvent, Topic, TopicRepository } from '../../src/domain/topic.ts'
import { failureOf } from '../helpers/errors.ts'
import { parameter } from '../helpers/parameters.ts'
import { waitFor } from '../helpers/program.ts'
import { topicContent, topicRecord } from '../helpers/topics.ts'

export interface Store {
  topics: TopicRepository
  prompts: PromptStore
}

/** What every store promises (docstrings of the two ports). `open` returns an empty store. */
export function storeContract(open: () => Promise<Store>): void {
  describe('records', () => {
    it('knows nothing at first', async () => {
      const { topics } = await open()
      expect(await topics.get('t')).toBeUndefined()
      expect(await allOf(topics)).toEqual([])
    })

    it('answers what was saved, with the revision raised by one', async () => {
      const { topics } = await open()
      const record = newTopic('t', { system: 'one', user: 'two' })
      const created = await topics.save(record, { system: 'one', user: 'two' })
      expect(withoutPlaces(created)).toEqual({ ...record, revision: 1 })
      expect(await topics.get('t')).toEqual({ topic_id: 't', topic: created })
      const renamed = await topics.save({ ...created, topic_name: 'New name' }, {})
      expect(renamed).toEqual({ ...created, topic_name: 'New name', revision: 2 })
      expect(await topics.get('t')).toEqual({ topic_id: 't', topic: renamed })
    })

    it('lets exactly one of two concurrent saves win, and the loser writes nothing', async () => {
      const { topics, prompts } = await open()
      const base = await create(topics, 't', { user: 'base' })
      const texts = ['first', 'second', 'third']
      const outcomes = await Promise.allSettled(
        texts.map((user) => topics.save(revised(base, { user }), { user })),
      )
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      const losers = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(winners).toHaveLength(1)
      expect(losers.map((loser) => loser.reason.code)).toEqual(['conflict', 'conflict'])
      const saved = winners[0]?.value as Topic
      expect(await topics.get('t')).toEqual({ topic_id: 't', topic: saved })
      const text = await prompts.read('t', infoOf(saved, 'user'))
      expect(text).toBe(texts[outcomes.findIndex((outcome) => outcome.status === 'fulfilled')])
      expect((await prompts.history('t', 'user')).map(({ revision }) => revision)).toEqual([2, 1])
      const { version_id = '' } = (await prompts.history('t', 'user'))[0] ?? {}
      expect(await versionText(prompts, 't', 'user', version_id)).toBe(text)
    })

    it('lets exactly one of two concurrent creations win', async () => {
      const { topics } = await open()
      const saves = ['a', 'b'].map((user) => topics.save(newTopic('t', { user }), { user }))
      const outcomes = await Promise.allSettled(saves)
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })

    it('refuses a save of what is older, newer or not there', async () => {
      const { topics } = await open()
      const first = await create(topics, 't', {})
      const second = await topics.save(first, {})
      for (const revision of [0, 1, 3]) {
        expect((await failureOf(() => topics.save({ ...second, revision }, {}))).code).toBe('conflict')
      }
      expect((await failureOf(() => topics.save({ ...first, topic_id: 'other' }, {}))).code).toBe('conflict')
      expect(await topics.get('t')).toEqual({ topic_id: 't', topic: second })
      expect(await topics.get('other')).toBeUndefined()
    })

    it('hands out and keeps copies, never its own memory', async () => {
      const { topics } = await open()
      const record = newTopic('t', { user: 'text' })
      const saved = await topics.save(record, { user: 'text' })
      const untouched = structuredClone(saved)
      record.topic_name = 'changed'
      record.allowed_parameters.push(parameter('p'))
      saved.config['changed'] = true
      const read = await topicOf(topics, 't')
      read.prompts.length = 0
      read.config['changed'] = true
      for await (const stored of topics.all()) if ('topic' in stored) stored.topic.topic_name = 'changed'
      expect(await topicOf(topics, 't')).toEqual(untouched)
      const changed = await topicOf(topics, 't')
      changed.config['changed'] = true
      await topics.save(changed, {})
      expect((await topicOf(topics, 't')).config).toEqual({ changed: true })
    })

    it('keeps settings and defaults of any shape', async () => {
      const { topics } = await open()
      const content = topicContent('t', {}, [parameter('p', 'object', { default: { a: [null, 1.5, '"'] } })])
      content.definition.config = { temperature: 0, deep: { list: [[], {}], text: '😀\u2028"\\' } }
      content.definition.description = 'two\r\nlines\t'
      const saved = await topics.save(topicRecord(content), {})
      expect(saved).toMatchObject(content.definition)
      expect(await topicOf(topics, 't')).toEqual(saved)
    })

    it('keeps a text that begins with U+FEFF as it is, although files may begin with it for another reason', async () => {
      const { topics, prompts } = await open()
      const texts = { one: '\uFEFFtext', two: '\uFEFF\uFEFF' }
      const saved = await topics.save(newTopic('t', texts), texts)
      expect(await topicOf(topics, 't')).toEqual(saved)
      for (const [type, text] of Object.entries(texts)) {
        expect(await prompts.read('t', infoOf(saved, type))).toBe(text)
      }
    })

    it('keeps a deleted record, and revives it', async () => {
      const { topics, prompts } = await open()
      const created = await create(topics, 't', { user: 'text' })
      const deleted_at = new Date().toISOString()
      const deleted = await topics.save({ ...created, is_active: false, deleted_at }, {})
      expect(await topicOf(topics, 't')).toEqual({ ...created, revision: 2, is_active: false, deleted_at })
      expect(await allOf(topics)).toEqual(['t'])
      expect(await prompts.read('t', infoOf(deleted, 'user'))).toBe('text')
      const { deleted_at: _, ...rest } = deleted
      const revived = await topics.save({ ...rest, is_active: true }, {})
      expect(await topicOf(topics, 't')).toEqual({ ...created, revision: 3 })
      expect(await prompts.read('t', infoOf(revived, 'user'))).toBe('text')
    })

    it('yields every topic while others write', async () => {
      const { topics } = await open()
      const ids = Array.from({ length: 30 }, (_, index) => `topic_${index}`)
      for (const id of ids) await create(topics, id, {})
      const seen: string[] = []
      let writing = Promise.resolve()
      for await (const { topic_id } of topics.all()) {
        seen.push(topic_id)
        const number = seen.length
        writing = writing.then(async () => {
          await create(topics, `new_${number}`, {})
          await topics.save({ ...(await topicOf(topics, `topic_${number % 30}`)), topic_name: 'New' }, {})
        })
      }
      await writing
      expect(ids.filter((id) => !seen.includes(id))).toEqual([])
      expect(new Set(seen).size).toBe(seen.length)
    })

    it('shows a topic whole at every instant while it is being changed', async () => {
      const { topics, prompts } = await open()
      const version = (name: string) =>
        topicContent('t', { user: `{{${name}}}`, system: name }, [parameter(name)])
      await topics.save(topicRecord(version('v_0')), version('v_0').texts)
      let writing = true
      const writer = (async () => {
        for (let round = 1; round <= 15; round++) {
          const { definition, texts } = version(`v_${round}`)
          await topics.save({ ...revised(await topicOf(topics, 't'), texts), ...definition }, texts)
        }
        writing = false
      })()
      const look = async () => {
        const topic = await topicOf(topics, 't')
        const name = topic.allowed_parameters[0]?.name ?? ''
        const texts = await Promise.all(topic.prompts.map((info) => prompts.read('t', info)))
        expect(texts.sort()).toEqual([name, `{{${name}}}`].sort())
      }
      // Several at a time: one that waits for the writer would hide the instants in between.
      const lookers = Array.from({ length: 4 }, async (_, index) => {
        while (writing) {
          await look()
          await new Promise((resolve) => setTimeout(resolve, 1 + index))
        }
      })
      await Promise.all(lookers)
      await writer
      expect((await topicOf(topics, 't')).revision).toBe(16)
    })
  })

  describe('texts', () => {
    it('follow the record: new, changed, unchanged and removed prompts', async () => {
      const { topics, prompts } = await open()
      const first = await create(topics, 't', { system: 's1', user: 'u1' })
      const second = await topics.save(revised(first, { user: 'u2', assistant: 'a1' }), {
        user: 'u2',
        assistant: 'a1',
      })
      const third = await topics.save(without(second, 'user'), {})
      expect(third.prompts.map(({ prompt_type, revision }) => [prompt_type, revision])).toEqual([
        ['system', 1],
        ['assistant', 1],
      ])
      expect(await prompts.read('t', infoOf(third, 'system'))).toBe('s1')
      expect(await prompts.read('t', infoOf(third, 'assistant'))).toBe('a1')
      expect(await topicOf(topics, 't')).toEqual(third)
    })

    it('stay what a record meant, after later edits and removals', async () => {
      const { topics, prompts } = await open()
      const first = await create(topics, 't', { user: 'old' })
      const second = await topics.save(revised(first, { user: 'new' }), { user: 'new' })
      await topics.save(without(second, 'user'), {})
      expect(await prompts.read('t', infoOf(first, 'user'))).toBe('old')
      expect(await prompts.read('t', infoOf(second, 'user'))).toBe('new')
    })

    it.each([
      ['an empty text', ''],
      ['Unicode outside the basic plane', 'Grüße 😀 \u{10ffff} \ufeff é e\u0301'],
      ['a byte order mark', '\ufefftext'],
      ['Windows line ends', 'a\r\nb\r\n\r\n'],
      ['no final line end, and other separators', ' \ta\u2028b\u0085c\r \n '],
      ['quotes, backslashes and escaped braces', '"\\n" \\{{x}} \\\\ \'`'],
      ['control characters', '\u0001\u001b[0m\u007f'],
      ['as many bytes as allowed', `${'€'.repeat(17_066)}xx`],
    ])('come back byte for byte: %s', async (_, user) => {
      const { topics, prompts } = await open()
      const saved = await create(topics, 't', { user })
      expect(await prompts.read('t', infoOf(saved, 'user'))).toBe(user)
      expect(await topicOf(topics, 't')).toEqual(saved)
    })

    it('may be sixteen', async () => {
      const { topics, prompts } = await open()
      const bodies = Object.fromEntries(
        Array.from({ length: 16 }, (_, index) => [`type_${index}`, `text ${index}`]),
      )
      const saved = await create(topics, 't', bodies)
      expect(await topicOf(topics, 't')).toEqual(saved)
      for (const [type, body] of Object.entries(bodies)) {
        expect(await prompts.read('t', infoOf(saved, type))).toBe(body)
      }
    })
  })

  describe('history', () => {
    it('is empty for what never was', async () => {
      const { topics, prompts } = await open()
      await create(topics, 't', { user: 'x' })
      expect(await prompts.history('t', 'system')).toEqual([])
      expect(await prompts.history('other', 'user')).toEqual([])
    })

    it('has every text with its facts, newest first', async () => {
      const { topics, prompts } = await open()
      let topic = await create(topics, 't', { user: 'text 1' })
      const infos = [infoOf(topic, 'user')]
      for (let round = 2; round <= 12; round++) {
        topic = await topics.save(revised(topic, { user: `text ${round}` }), { user: `text ${round}` })
        infos.unshift(infoOf(topic, 'user'))
      }
      const history = await prompts.history('t', 'user')
      expect(history).toEqual(
        infos.map((info, index) => {
          const { revision, sha256, bytes, updated_at, updated_by } = info
          return { version_id: history[index]?.version_id, revision, sha256, bytes, updated_at, updated_by }
        }),
      )
      expect(new Set(history.map(({ version_id }) => version_id)).size).toBe(12)
      for (const version of history) {
        const content = `text ${version.revision}`
        expect(await prompts.readVersion('t', 'user', version.version_id)).toEqual({ version, content })
      }
    })

    it('keeps the note of each text, whatever is in it', async () => {
      const { topics, prompts } = await open()
      const notes = ['Shorter', '値'.repeat(500), '🙂'.repeat(250), ' "a=b";\r\n\tß%41+/ ', undefined]
      let topic = await create(topics, 't', { user: 'no note' })
      for (const [index, note] of notes.entries()) {
        const next = revised(topic, { user: `text ${index}` })
        const info = { ...infoOf(next, 'user'), ...(note !== undefined && { note }) }
        topic = await topics.save({ ...next, prompts: [info] }, { user: `text ${index}` })
        expect(infoOf(topic, 'user').note).toBe(note)
      }
      expect((await topics.get('t')) as unknown).toEqual({ topic_id: 't', topic })
      const history = await prompts.history('t', 'user')
      expect(history.map(({ note }) => note)).toEqual([undefined, ...notes].reverse())
      const [, , third] = history
      const { version } = await prompts.readVersion('t', 'user', third?.version_id ?? '')
      expect(version).toEqual(third)
    })

    it('survives a deletion, so that revisions never repeat', async () => {
      const { topics, prompts } = await open()
      const created = await create(topics, 't', { user: 'one' })
      const emptied = await topics.save(without(created, 'user'), {})
      const history = await prompts.history('t', 'user')
      expect(history.map(({ revision }) => revision)).toEqual([1])
      const again = topicRecord(
        topicContent('t', { user: 'two' }),
        0,
        (history[0]?.revision ?? 0) + 1,
      ).prompts
      await topics.save({ ...emptied, prompts: again }, { user: 'two' })
      const versions = await prompts.history('t', 'user')
      expect(versions.map(({ revision }) => revision)).toEqual([2, 1])
      const texts = versions.map(({ version_id }) => versionText(prompts, 't', 'user', version_id))
      expect(await Promise.all(texts)).toEqual(['two', 'one'])
    })

    it('says not_found for versions that never were', async () => {
      const { topics, prompts } = await open()
      await create(topics, 't', { user: 'x' })
      for (const version of ['2', '0', '', '01', '1.json', '../user/1', 'constructor']) {
        expect((await failureOf(() => prompts.readVersion('t', 'user', version))).code, version).toBe(
          'not_found',
        )
      }
      expect((await failureOf(() => prompts.readVersion('t', 'system', '1'))).code).toBe('not_found')
      expect((await failureOf(() => prompts.readVersion('other', 'user', '1'))).code).toBe('not_found')
    })
  })

  it('watching tells of saves until it is closed', async () => {
    const { topics } = await open()
    const events: StoreEvent[] = []
    const watch = await topics.watch((event) => void events.push(event))
    onTestFinished(() => watch.close())
    const told = (id: string) => events.some(({ topic_ids }) => topic_ids.includes(id))
    const first = await create(topics, 'first', { user: 'x' })
    await waitFor(() => told('first'))
    events.length = 0
    await topics.save(revised(first, { user: 'y' }), { user: 'y' })
    await waitFor(() => told('first'))
    expect(events.every(({ reachable }) => reachable)).toBe(true)
    await watch.close()
    events.length = 0
    const marks: StoreEvent[] = []
    const other = await topics.watch((event) => void marks.push(event))
    onTestFinished(() => other.close())
    await create(topics, 'second', { user: 'x' })
    await waitFor(() => marks.some(({ topic_ids }) => topic_ids.includes('second')))
    expect(events).toEqual([])
  })
}

export function newTopic(topic_id: string, bodies: PromptTexts): Topic {
  return topicRecord(topicContent(topic_id, bodies))
}

function create(topics: TopicRepository, topic_id: string, bodies: PromptTexts): Promise<Topic> {
  return topics.save(newTopic(topic_id, bodies), bodies)
}

/** The record with new texts: each is one revision further, new prompts are at 1. */
function revised(topic: Topic, bodies: PromptTexts): Topic {
  const kept = topic.prompts.filter(({ prompt_type }) => bodies[prompt_type] === undefined)
  const infos = Object.entries(bodies).map(([prompt_type, body]): PromptInfo => {
    const known = topic.prompts.find((info) => info.prompt_type === prompt_type)
    const s3_key = promptKey(topic.topic_id, prompt_type)
    const stamp = { updated_at: topic.updated_at, updated_by: 'test' }
    return { prompt_type, s3_key, ...fingerprint(body), revision: (known?.revision ?? 0) + 1, ...stamp }
  })
  return { ...topic, prompts: [...kept, ...infos] }
}

function without(topic: Topic, prompt_type: string): Topic {
  return { ...topic, prompts: topic.prompts.filter((info) => info.prompt_type !== prompt_type) }
}

/** The record without what says where this store keeps its texts. */
function withoutPlaces(topic: Topic): Topic {
  const prompts = topic.prompts.map(({ s3_bucket: _, s3_version_id: __, ...info }) => ({
    ...info,
    s3_key: promptKey(topic.topic_id, info.prompt_type),
  }))
  return { ...topic, prompts }
}

export function infoOf(topic: Topic, prompt_type: string): PromptInfo {
  const info = topic.prompts.find((candidate) => candidate.prompt_type === prompt_type)
  if (!info) throw new Error(`${topic.topic_id} has no prompt ${prompt_type}`)
  return info
}

export async function versionText(prompts: PromptStore, ...asked: Parameters<PromptStore['readVersion']>) {
  return (await prompts.readVersion(...asked)).content
}

export async function topicOf(topics: TopicRepository, topic_id: string): Promise<Topic> {
  const stored = await topics.get(topic_id)
  if (!stored) throw new Error(`there is no topic ${topic_id}`)
  if ('invalid' in stored) throw new Error(`topic ${topic_id} is invalid: ${stored.invalid}`)
  return stored.topic
}

async function allOf(topics: TopicRepository): Promise<string[]> {
  const ids: string[] = []
  for await (const { topic_id } of topics.all()) ids.push(topic_id)
  return ids.sort()
}
