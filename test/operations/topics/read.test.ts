import { describe, expect, it } from 'vitest'
import type { TopicDefinition } from '../../../src/domain/topic.ts'
import { getTopic, listTopics } from '../../../src/operations/topics/read.ts'
import { failureOf } from '../../helpers/errors.ts'
import { caller } from '../../helpers/operations.ts'
import { parameter } from '../../helpers/parameters.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

type Call = ReturnType<typeof caller>

async function setUp() {
  const services = await openServices()
  const call = caller(services)
  const add = async (topic_id: string, changes: Partial<TopicDefinition> = {}, texts = {}) => {
    const { definition } = topicContent(topic_id)
    return put(services, { definition: { ...definition, ...changes }, texts })
  }
  const remove = async (topic_id: string) => {
    const deleted_at = '2030-01-01T00:00:00.000Z'
    const deleted = { ...services.catalog.topic(topic_id), is_active: false, deleted_at }
    services.catalog.accept(await services.topics.save(deleted, {}))
  }
  return { services, call, add, remove }
}

const idsOf = async (call: Call, input: object = {}, context: Parameters<Call>[2] = {}) =>
  (await call(listTopics, input, context)).data.map(({ topic_id }) => topic_id)

async function allPages(
  call: Call,
  input: object,
  between: (page: number) => Promise<unknown> = async () => {},
) {
  const ids: string[] = []
  let cursor: string | undefined
  for (let page = 1; ; page++) {
    const answer = await call(listTopics, { ...input, ...(cursor !== undefined && { cursor }) })
    ids.push(...answer.data.map(({ topic_id }) => topic_id))
    cursor = answer.meta?.next_cursor
    if (cursor === undefined) return ids
    await between(page)
  }
}

describe('listing topics', () => {
  it('names the parameters, their types and which are required; getting a topic says the rest', async () => {
    const { call, add } = await setUp()
    const rule = { type: 'range', min: 0 } as const
    const parameters = [
      parameter('rate', 'number', { description: 'Long.', default: 1, validation: rule, required: true }),
      parameter('note'),
    ]
    await add('c', { allowed_parameters: parameters })
    const [summary] = (await call(listTopics, {})).data
    expect(summary?.allowed_parameters).toEqual([
      { name: 'rate', type: 'number', required: true },
      { name: 'note', type: 'string', required: false },
    ])
    expect((await call(getTopic, { topic_id: 'c' })).data.allowed_parameters).toEqual(parameters)
  })

  it('shows summaries without texts, by display order, then id', async () => {
    const { call, add } = await setUp()
    await add('b', { display_order: 2 })
    const c = await add('c', { display_order: 1, description: 'd' }, { user: 'text', system: 'x' })
    await add('a', { display_order: 2 })
    const { data, meta } = await call(listTopics, {})
    expect(data.map(({ topic_id }) => topic_id)).toEqual(['c', 'a', 'b'])
    expect(meta).toBeUndefined()
    expect(data[0]).toEqual({
      ...topicContent('c').definition,
      display_order: 1,
      description: 'd',
      available_prompts: ['user', 'system'],
      revision: 1,
      updated_at: c.updated_at,
      updated_by: 'test',
    })
  })

  it('filters by type, category, activity and text', async () => {
    const { call, add } = await setUp()
    await add('a', { topic_type: 'kpi_system', category: 'kpi' })
    await add('b', { category: 'kpi', is_active: false, topic_name: 'Straße' })
    await add('c', { description: 'About REVENUE (gross)' })
    expect(await idsOf(call, { topic_type: 'kpi_system' })).toEqual(['a'])
    expect(await idsOf(call, { category: 'kpi' })).toEqual(['a', 'b'])
    expect(await idsOf(call, { category: 'kpi', is_active: true })).toEqual(['a'])
    expect(await idsOf(call, { is_active: false })).toEqual(['b'])
    expect(await idsOf(call, { q: 'revenue (' })).toEqual(['c'])
    expect(await idsOf(call, { q: 'STRAß' })).toEqual(['b'])
    expect(await idsOf(call, { q: 'topic A' })).toEqual(['a'])
    expect(await idsOf(call, { topic_type: '', q: '' })).toEqual([])
    expect(await idsOf(call, { topic_type: 'constructor' })).toEqual([])
  })

  it('searches in prompt texts, too, for administrators who ask for it', async () => {
    const { call, add, remove } = await setUp()
    await add('a', {}, { user: 'Hello.', system: 'Begin with the RUNWAY.' })
    await add('runway_b')
    await add('c', { is_active: false }, { user: 'No runway left.' })
    expect(await idsOf(call, { q: 'Runway' })).toEqual(['runway_b'])
    expect(await idsOf(call, { q: 'Runway', in_texts: true })).toEqual(['a', 'c', 'runway_b'])
    expect(await idsOf(call, { in_texts: true, limit: 1 })).toEqual(['a'])
    await remove('a')
    expect(await idsOf(call, { q: 'Runway', in_texts: true, deleted: true })).toEqual(['a'])
    const asService = () => call(listTopics, { q: 'runway', in_texts: true }, { role: 'service' })
    expect((await failureOf(asService)).code).toBe('forbidden')
  })

  it('shows deleted topics only when asked, and then only them', async () => {
    const { call, add, remove } = await setUp()
    await add('here')
    await add('gone')
    await remove('gone')
    expect(await idsOf(call)).toEqual(['here'])
    expect(await idsOf(call, { is_active: false })).toEqual([])
    const { data } = await call(listTopics, { deleted: true })
    expect(data).toMatchObject([
      { topic_id: 'gone', deleted_at: '2030-01-01T00:00:00.000Z', is_active: false },
    ])
  })

  it('shows services active topics only, whatever they ask for', async () => {
    const { call, add, remove } = await setUp()
    await add('active')
    await add('inactive', { is_active: false })
    await add('gone')
    await remove('gone')
    const service = { role: 'service' } as const
    expect(await idsOf(call, {}, service)).toEqual(['active'])
    expect(await idsOf(call, { is_active: true }, service)).toEqual(['active'])
    expect(await idsOf(call, { is_active: false }, service)).toEqual([])
    expect(await idsOf(call, { deleted: true }, service)).toEqual([])
  })

  it('has pages of 100 unless told otherwise, at most 500', async () => {
    const { call, add } = await setUp()
    for (let index = 0; index < 101; index++) await add(`t_${index}`)
    expect((await call(listTopics, {})).data).toHaveLength(100)
    expect((await call(listTopics, { limit: 500 })).data).toHaveLength(101)
    for (const limit of [0, 501, 1.5, -1]) {
      expect((await failureOf(() => call(listTopics, { limit }))).errors?.map(({ path }) => path)).toEqual([
        'limit',
      ])
    }
  })

  it('gives a cursor only when there is more', async () => {
    const { call, add } = await setUp()
    for (const id of ['a', 'b', 'c', 'd']) await add(id)
    expect(await allPages(call, { limit: 2 })).toEqual(['a', 'b', 'c', 'd'])
    expect((await call(listTopics, { limit: 4 })).meta).toBeUndefined()
    expect((await call(listTopics, { limit: 3 })).meta?.next_cursor).toEqual(expect.any(String))
  })

  it('has no gap and no repeat while topics come and go', async () => {
    const { call, add, remove } = await setUp()
    for (let index = 10; index < 30; index++) await add(`t_${index}`, { display_order: index % 3 })
    const before = await allPages(call, { limit: 500 })
    const removed = new Set<string>()
    const seen = await allPages(call, { limit: 3 }, async (page) => {
      await add(`a_new_${page}`, { display_order: -1 })
      await add(`z_new_${page}`, { display_order: 9 })
      const lastSeen = before[page * 3 - 1]
      if (lastSeen === undefined) return
      removed.add(lastSeen)
      await remove(lastSeen)
    })
    expect(new Set(seen).size).toBe(seen.length)
    expect(before.filter((id) => !seen.includes(id))).toEqual([])
    expect(seen.filter((id) => id.startsWith('a_new'))).toEqual([])
    expect(removed.size).toBeGreaterThan(3)
  })

  it('goes on with the same filters, also after the last topic of a page has gone', async () => {
    const { call, add, remove } = await setUp()
    for (const id of ['a', 'b', 'c', 'd', 'e']) await add(id, { category: id === 'c' ? 'kpi' : 'strategy' })
    const input = { category: 'strategy', limit: 2 }
    expect(await allPages(call, input, () => remove('b'))).toEqual(['a', 'b', 'd', 'e'])
  })

  it.each([
    'x',
    '',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["1","a"]').toString('base64url'),
    Buffer.from('[1,"__proto__"]').toString('base64url'),
    Buffer.from('[1.5,"a"]').toString('base64url'),
    'x'.repeat(501),
  ])('refuses the cursor %j', async (cursor) => {
    const { call } = await setUp()
    const error = await failureOf(() => call(listTopics, { cursor }))
    expect([error.code, error.errors?.map(({ path }) => path)]).toEqual(['invalid_input', ['cursor']])
  })

  it('refuses unknown filters by name', async () => {
    const { call } = await setUp()
    const error = await failureOf(() => call(listTopics, { type: 'x', is_active: 'true' }))
    expect(error.errors?.map(({ path }) => path)).toEqual(['is_active', 'type'])
  })
})

describe('getting one topic', () => {
  it('answers the whole record in whatever state, and the types of its prompts', async () => {
    const { services, call, add, remove } = await setUp()
    await add('t', { is_active: false, config: { extra: 1 } }, { user: 'x' })
    await remove('t')
    const record = services.catalog.topic('t')
    expect(await call(getTopic, { topic_id: 't' })).toEqual({
      data: { ...record, available_prompts: ['user'] },
      meta: { revision: 2 },
    })
    expect(record.deleted_at).toBe('2030-01-01T00:00:00.000Z')
  })

  it('is for administrators', async () => {
    const { call, add } = await setUp()
    await add('t')
    expect((await failureOf(() => call(getTopic, { topic_id: 't' }, { role: 'service' }))).code).toBe(
      'forbidden',
    )
    expect((await failureOf(() => call(getTopic, { topic_id: 'other' }))).code).toBe('not_found')
  })
})
