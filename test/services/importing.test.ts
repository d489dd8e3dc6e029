import { describe, expect, it } from 'vitest'
import type { TopicContent } from '../../src/domain/topic.ts'
import { importTopics, seedTopics } from '../../src/services/importing.ts'
import { failureOf } from '../helpers/errors.ts'
import { parameter } from '../helpers/parameters.ts'
import { openServices, put, putBodies } from '../helpers/services.ts'
import { topicContent } from '../helpers/topics.ts'

const BY = { by: 'importer' }

async function deleteTopic(services: Awaited<ReturnType<typeof openServices>>, topic_id: string) {
  const { deleted_at: _, ...topic } = services.catalog.topic(topic_id)
  const deleted = { ...topic, is_active: false, deleted_at: '2030-01-01T00:00:00.000Z' }
  services.catalog.accept(await services.topics.save(deleted, {}))
}

describe('importing', () => {
  it('creates, updates and leaves unchanged, and says which', async () => {
    const services = await openServices()
    const same = topicContent('same', { user: 'x' })
    const before = await put(services, same, 'ada')
    await put(services, topicContent('other', { user: 'old', system: 's' }), 'ada')
    const source = [topicContent('new', { user: 'n' }), same, topicContent('other', { user: 'new' })]
    expect(await importTopics(services, source, BY)).toEqual([
      { topic_id: 'new', action: 'create' },
      { topic_id: 'same', action: 'unchanged' },
      { topic_id: 'other', action: 'update' },
    ])
    expect(services.catalog.topic('same')).toEqual(before)
    expect(await services.prompts.history('same', 'user')).toHaveLength(1)
    expect(services.catalog.topic('new')).toMatchObject({ revision: 1, created_by: 'importer' })
    const other = services.catalog.topic('other')
    expect(other).toMatchObject({ revision: 2, created_by: 'ada', updated_by: 'importer' })
    expect(await services.catalog.texts(other)).toEqual({ user: 'new', system: 's' })
    expect(await services.prompts.history('other', 'system')).toHaveLength(1)
  })

  it('does the same thing twice without effect', async () => {
    const services = await openServices()
    const source = [topicContent('b', { user: 'x', system: 'y' }), topicContent('a')]
    await importTopics(services, source, BY)
    const before = services.catalog.list()
    const steps = await importTopics(services, structuredClone(source), BY)
    expect(steps.map(({ action }) => action)).toEqual(['unchanged', 'unchanged'])
    expect(services.catalog.list()).toEqual(before)
  })

  it('does not mind the order of members and prompts', async () => {
    const services = await openServices()
    const content = topicContent('t', { user: 'x', system: 'y' })
    content.definition.config = { a: 1, b: 2 }
    await put(services, content)
    const turned: TopicContent = {
      definition: { ...content.definition, config: { b: 2, a: 1 } },
      texts: { system: 'y', user: 'x' },
    }
    expect(await importTopics(services, [turned], BY)).toEqual([{ topic_id: 't', action: 'unchanged' }])
  })

  it('names every error of every topic, and then writes nothing at all', async () => {
    const services = await openServices()
    const before = await put(services, topicContent('known', { user: 'x' }))
    const source = [
      topicContent('fine', { user: 'x' }),
      topicContent('known', { user: 'changed' }),
      topicContent('bad', { system: '{{a}} {{b}}', user: '{{#c}}' }, [parameter('c')]),
      topicContent('huge', { user: 'x'.repeat(51_201) }),
    ]
    const error = await failureOf(() => importTopics(services, source, BY))
    expect(error.code).toBe('invalid_input')
    expect(error.errors?.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'prompts/bad/system.md: "a" is not declared.',
      'prompts/bad/system.md: "b" is not declared.',
      'prompts/bad/user.md: Section "c" is never closed.',
      'huge: prompts/huge/user.md is larger than 51200 bytes.',
    ])
    expect(services.catalog.list()).toEqual([before])
    expect(await services.topics.get('fine')).toBeUndefined()
  })

  it('checks prompts that stay against the parameters that come', async () => {
    const services = await openServices()
    await put(services, topicContent('t', { user: '{{a}}', system: 's' }, [parameter('a')]))
    const error = await failureOf(() => importTopics(services, [topicContent('t', { system: 'new' })], BY))
    expect(error.errors?.map(({ path }) => path)).toEqual(['prompts/t/user.md'])
    expect(services.catalog.topic('t').revision).toBe(1)
  })

  it('refuses too many prompts and names the topic', async () => {
    const services = await openServices()
    const bodies = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`type_${index}`, 'x']))
    const error = await failureOf(() =>
      importTopics(services, [topicContent('fine'), topicContent('t', bodies)], BY),
    )
    expect(error.errors?.map(({ path }) => path)).toEqual([expect.stringContaining('t')])
    expect(services.catalog.list()).toEqual([])
  })

  it('names a topic that must be fixed first, and changes nothing', async () => {
    const services = await openServices()
    const { get } = services.topics
    services.topics.get = async (id) =>
      id === 'broken' ? { topic_id: id, invalid: 'is not JSON.' } : get(id)
    const source = [topicContent('fine'), topicContent('broken')]
    const error = await failureOf(() => importTopics(services, source, BY))
    expect(error.errors).toEqual([
      { path: 'broken', expected: 'a topic that can be read', message: 'is invalid: is not JSON.' },
    ])
    expect(services.catalog.list()).toEqual([])
  })

  it('only says what it would do in a dry run', async () => {
    const services = await openServices()
    await put(services, topicContent('old', { user: 'x' }))
    const source = [topicContent('old', { user: 'y' }), topicContent('new')]
    expect(await importTopics(services, source, { ...BY, dryRun: true })).toEqual([
      { topic_id: 'old', action: 'update' },
      { topic_id: 'new', action: 'create' },
    ])
    expect(services.catalog.list().map(({ topic_id, revision }) => [topic_id, revision])).toEqual([
      ['old', 1],
    ])
  })

  it('revives a deleted topic, even one of the same content', async () => {
    const services = await openServices()
    const content = topicContent('t', { user: 'x' })
    await put(services, content)
    await deleteTopic(services, 't')
    expect(await importTopics(services, [content], BY)).toEqual([{ topic_id: 't', action: 'update' }])
    const revived = services.catalog.topic('t')
    expect(revived).toMatchObject({ is_active: true, revision: 3 })
    expect(revived.deleted_at).toBeUndefined()
  })
})

describe('seeding', () => {
  const seeds = (text: string) =>
    ['a', 'b', 'c', 'd'].map((id) => topicContent(id, { user: text, system: 's' }))

  it('adds what is missing and updates what nobody touched, as "seed"', async () => {
    const services = await openServices()
    expect((await seedTopics(services, seeds('one'))).map(({ action }) => action)).toEqual(
      Array(4).fill('create'),
    )
    expect(services.catalog.topic('a')).toMatchObject({ created_by: 'seed', updated_by: 'seed' })
    expect((await seedTopics(services, seeds('one'))).map(({ action }) => action)).toEqual(
      Array(4).fill('unchanged'),
    )
    expect((await seedTopics(services, seeds('two'))).map(({ action }) => action)).toEqual(
      Array(4).fill('update'),
    )
    expect(await services.catalog.texts(services.catalog.topic('d'))).toEqual({ user: 'two', system: 's' })
  })

  it('leaves edited and deleted topics alone, and says which', async () => {
    const services = await openServices()
    await seedTopics(services, seeds('one'))
    await putBodies(services, 'b', { system: 'mine' }, 'ada')
    await deleteTopic(services, 'c')
    const before = services.catalog.list().filter(({ topic_id }) => ['b', 'c'].includes(topic_id))
    expect(await seedTopics(services, seeds('two'))).toEqual([
      { topic_id: 'a', action: 'update' },
      { topic_id: 'b', action: 'left as edited' },
      { topic_id: 'c', action: 'left as deleted' },
      { topic_id: 'd', action: 'update' },
    ])
    expect(services.catalog.list().filter(({ topic_id }) => ['b', 'c'].includes(topic_id))).toEqual(before)
  })

  it('leaves a topic whose definition was edited, and one that gained a prompt', async () => {
    const services = await openServices()
    await seedTopics(services, seeds('one'))
    const edited = topicContent('a', { user: 'one', system: 's' })
    await put(services, { ...edited, definition: { ...edited.definition, topic_name: 'Mine' } }, 'ada')
    await putBodies(services, 'b', { assistant: 'mine' }, 'ada')
    const steps = await seedTopics(services, seeds('two'))
    expect(steps.map(({ action }) => action)).toEqual([
      'left as edited',
      'left as edited',
      'update',
      'update',
    ])
  })

  it('leaves an edit alone that a seed cannot tell from its own, unless it equals the seed', async () => {
    const services = await openServices()
    await put(services, topicContent('a', { user: 'one', system: 's' }), 'ada')
    expect((await seedTopics(services, seeds('one'))).map(({ action }) => action)).toEqual([
      'unchanged',
      'create',
      'create',
      'create',
    ])
    expect((await seedTopics(services, seeds('two')))[0]).toEqual({ topic_id: 'a', action: 'left as edited' })
  })
})
