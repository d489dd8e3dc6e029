import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import type { StoreEvent, StoreListener, Topic } from '../../../src/domain/topic.ts'
import type { CatalogChange } from '../../../src/services/catalog/catalog.ts'
import { openCatalog } from '../../../src/services/catalog/sync.ts'
import { memoryStore } from '../../helpers/memory-store.ts'
import { openServices, put, putBodies } from '../../helpers/services.ts'
import { topicContent, topicRecord } from '../../helpers/topics.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
})

/** A catalogue over a store in memory: the test sends its events, and says which reads fail, wait or find nothing. */
async function open(ids: string[] = []) {
  const { topics, prompts } = memoryStore()
  const script = {
    gets: [] as string[],
    failing: new Set<string>(),
    gone: new Set<string>(),
    hold: Promise.resolve(),
    textReads: 0,
    textsFail: false,
  }
  let listener: StoreListener = () => {}
  const save = (topic_id: string, changes: Partial<Topic> = {}) => {
    const texts = { user: `text of ${topic_id}` }
    const record = { ...topicRecord(topicContent(topic_id, texts)), ...changes }
    return topics.save(record, record.revision === 0 ? texts : {})
  }
  for (const id of ids) await save(id)
  const warnings: string[] = []
  const catalog = await openCatalog({
    clock: () => new Date(),
    staleIfErrorMs: 60_000,
    warn: (message) => warnings.push(message),
    topics: {
      ...topics,
      async get(topic_id) {
        script.gets.push(topic_id)
        if (script.failing.has(topic_id)) throw new AppError('unavailable', 'not now')
        const stored = await topics.get(topic_id)
        await script.hold
        return script.gone.has(topic_id) ? undefined : stored
      },
      async *all() {
        for await (const stored of topics.all()) if (!script.gone.has(stored.topic_id)) yield stored
      },
      async watch(given) {
        listener = given
        return { catchUp: () => undefined, ageMs: () => 0, async close() {} }
      },
    },
    prompts: {
      ...prompts,
      async read(topic_id, info) {
        script.textReads++
        if (script.textsFail) throw new AppError('unavailable', 'not now')
        return prompts.read(topic_id, info)
      },
    },
  })
  onTestFinished(() => catalog.close())
  const changes: CatalogChange[] = []
  catalog.onChange((found) => changes.push(...found))
  const tell = (event: Partial<StoreEvent>) => listener({ topic_ids: [], reachable: true, ...event })
  return { catalog, script, save, tell, warnings, changes }
}

describe('following a store', () => {
  it('loads what is there and reads again what it is told of', async () => {
    const { catalog, save, tell, changes, script } = await open(['a', 'b'])
    expect(catalog.list().map(({ topic_id }) => topic_id)).toEqual(['a', 'b'])
    await save('c')
    await save('a', { revision: 1, topic_name: 'New' })
    expect(changes).toEqual([])
    await tell({ topic_ids: ['a', 'c', 'a'] })
    expect(script.gets.sort()).toEqual(['a', 'c'])
    expect(
      changes.map(({ topic_id, before, after }) => [topic_id, before?.revision, after?.revision]),
    ).toEqual([
      ['a', 1, 2],
      ['c', undefined, 1],
    ])
    expect(catalog.topic('a').topic_name).toBe('New')
  })

  it('reads the texts of what has changed at once', async () => {
    const { save, tell, script } = await open()
    await save('a')
    await tell({ topic_ids: ['a'] })
    await vi.waitFor(() => expect(script.textReads).toBe(1))
  })

  it('compares everything after a reset, also what is gone', async () => {
    const { catalog, save, tell, script, changes } = await open(['same', 'changed', 'gone'])
    await save('changed', { revision: 1, topic_name: 'New' })
    await save('new')
    script.gone.add('gone')
    await tell({ reset: true })
    expect(script.gets.sort()).toEqual(['changed', 'gone', 'new'])
    expect(catalog.list().map(({ topic_id, topic_name }) => [topic_id, topic_name])).toEqual([
      ['changed', 'New'],
      ['new', 'Topic new'],
      ['same', 'Topic same'],
    ])
    expect(changes.map(({ topic_id }) => topic_id).sort()).toEqual(['changed', 'gone', 'new'])
  })

  it('tries again what cannot be read, later and later, and warns once', async () => {
    const { catalog, script, save, tell, warnings } = await open(['a'])
    await save('a', { revision: 1, topic_name: 'New' })
    script.failing.add('a')
    await tell({ topic_ids: ['a'] })
    const waits: number[] = []
    for (let reads = 1; reads <= 8; reads++) {
      let waited = 0
      while (script.gets.length === reads) {
        await vi.advanceTimersByTimeAsync(500)
        waited += 500
      }
      waits.push(waited)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    expect(warnings).toEqual(['cannot read topic a; trying again'])
    script.failing.clear()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(catalog.topic('a').topic_name).toBe('New')
    const { length } = script.gets
    await vi.advanceTimersByTimeAsync(120_000)
    expect(script.gets).toHaveLength(length)
  })

  it('what this process saves while it is being read is read once more', async () => {
    const { catalog, save, tell, script } = await open(['a'])
    let release = () => {}
    script.hold = new Promise((resolve) => {
      release = resolve
    })
    const telling = tell({ topic_ids: ['a'] })
    await vi.waitFor(() => expect(script.gets).toEqual(['a']))
    // The read that is under way has seen the record before this one.
    const saved = await save('a', { revision: 1, topic_name: 'Mine' })
    catalog.accept(saved)
    release()
    await telling
    expect(script.gets).toEqual(['a', 'a'])
    expect(catalog.topic('a')).toBe(saved)
  })
})

describe('an outage', () => {
  it('leaves what is known served, for the time that is set', async () => {
    const { catalog, tell, warnings } = await open(['a'])
    const as_of = new Date(Date.now() - 5_000)
    await tell({ reachable: false, as_of })
    await tell({ reachable: false })
    expect(catalog.staleSince()).toEqual(as_of)
    vi.advanceTimersByTime(60_000)
    expect(catalog.topic('a').topic_id).toBe('a')
    vi.advanceTimersByTime(1)
    expect(() => catalog.topic('a')).toThrow('The store has been out of reach for too long.')
    await tell({})
    expect(catalog.staleSince()).toBeUndefined()
    expect(catalog.topic('a').topic_id).toBe('a')
    expect(warnings).toEqual([
      'the store cannot be reached; known prompts go on being served',
      'the store cannot be reached; known prompts go on being served',
      'the store is back',
    ])
  })

  it('keeps in mind what could not be read in it', async () => {
    const { catalog, save, tell, script, warnings } = await open(['a'])
    await save('a', { revision: 1, topic_name: 'New' })
    script.failing.add('a')
    const telling = tell({ topic_ids: ['a'] })
    await tell({ reachable: false })
    await telling
    await vi.advanceTimersByTimeAsync(300_000)
    expect(script.gets).toEqual(['a'])
    script.failing.clear()
    await tell({})
    expect(catalog.topic('a').topic_name).toBe('New')
    expect(warnings).not.toContain('cannot read topic a; trying again')
  })
})

describe('reading ahead', () => {
  it('begins two seconds after the start and reads every text once', async () => {
    const { catalog, script } = await open(['a', 'b', 'c'])
    await vi.advanceTimersByTimeAsync(1_999)
    expect(script.textReads).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    await vi.waitFor(() => expect(script.textReads).toBe(3))
    expect(await catalog.texts(catalog.topic('a'))).toEqual({ user: 'text of a' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(script.textReads).toBe(3)
  })

  it('tries again after ten seconds what could not be read, and at once after an outage', async () => {
    const { catalog, script, tell } = await open(['a'])
    script.textsFail = true
    await vi.advanceTimersByTimeAsync(2_000)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
    expect([script.textReads, catalog.canServe()]).toEqual([1, false])
    await vi.advanceTimersByTimeAsync(10_000)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
    expect(script.textReads).toBe(2)
    script.textsFail = false
    await tell({ reachable: false })
    await tell({})
    await vi.advanceTimersByTimeAsync(0)
    await vi.waitFor(() => expect(catalog.canServe()).toBe(true))
    expect(script.textReads).toBe(3)
  })

  it('ends with the catalogue', async () => {
    const { catalog, script } = await open(['a'])
    await catalog.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([script.textReads, vi.getTimerCount()]).toEqual([0, 0])
  })
})

describe('the texts kept together by topic', () => {
  it('are the same object for a record of the catalogue, and dropped with it', async () => {
    const services = await openServices()
    const before = await put(services, topicContent('t', { user: 'old' }))
    const { catalog } = services
    const texts = await catalog.texts(before)
    expect(catalog.texts(before)).toBe(texts)
    await putBodies(services, 't', { user: 'new' })
    expect(await catalog.texts(before)).toEqual(texts)
    expect(await catalog.texts(before)).not.toBe(texts)
  })

  it('are not kept for the record that an edit reads from the store', async () => {
    const services = await openServices()
    await put(services, topicContent('t', { user: 'old' }))
    const { topics, catalog } = services
    const { get } = topics
    const read: Topic[] = []
    topics.get = async (topic_id) => {
      const stored = await get(topic_id)
      if (stored && 'topic' in stored) read.push(stored.topic)
      return stored
    }
    await putBodies(services, 't', { user: 'new' })
    const [record] = read as [Topic]
    expect(catalog.texts(record)).toBeInstanceOf(Promise)
    expect(await catalog.texts(record)).toEqual({ user: 'old' })
  })
})
