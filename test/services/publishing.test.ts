import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import { checkTopic } from '../../src/domain/topic.ts'
import { type CurrentTopic, contentOf, publish, UNCHANGED } from '../../src/services/publishing.ts'
import { failureOf } from '../helpers/errors.ts'
import { openFiles } from '../helpers/files-store.ts'
import { tempFolder } from '../helpers/folders.ts'
import { memoryStore } from '../helpers/memory-store.ts'
import { parameter } from '../helpers/parameters.ts'
import { openServices, put, putBodies } from '../helpers/services.ts'
import { topicContent } from '../helpers/topics.ts'

describe('publishing', () => {
  it('creates a topic with facts, times and author', async () => {
    const now = new Date('2030-01-02T03:04:05.678Z')
    const services = await openServices({ clock: () => now })
    const topic = await put(services, topicContent('t', { user: 'é' }), 'ada')
    expect(topic).toMatchObject({
      revision: 1,
      created_at: '2030-01-02T03:04:05.678Z',
      created_by: 'ada',
      updated_at: '2030-01-02T03:04:05.678Z',
      updated_by: 'ada',
    })
    expect(topic.prompts).toEqual([
      {
        prompt_type: 'user',
        s3_key: 'prompts/t/user.md',
        sha256: '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c',
        bytes: 2,
        revision: 1,
        updated_at: '2030-01-02T03:04:05.678Z',
        updated_by: 'ada',
      },
    ])
  })

  it('is visible in this process at once', async () => {
    const services = await openServices()
    const topic = await put(services, topicContent('t', { user: 'x' }))
    expect(services.catalog.topic('t')).toEqual(topic)
    expect(await services.catalog.texts(topic)).toEqual({ user: 'x' })
  })

  it('touches only the prompts that change', async () => {
    const services = await openServices()
    const before = await put(services, topicContent('t', { system: 's', user: 'u' }), 'ada')
    const after = await putBodies(services, 't', { user: 'new', system: 's' }, 'bob')
    expect(after.topic).toMatchObject({ revision: 2, created_by: 'ada', updated_by: 'bob' })
    expect(after.topic.prompts[0]).toEqual(before.prompts[0])
    expect(after.topic.prompts[1]).toMatchObject({ revision: 2, updated_by: 'bob' })
    expect(await services.prompts.history('t', 'system')).toHaveLength(1)
  })

  it('continues the revisions of a prompt that was deleted and comes back', async () => {
    const services = await openServices()
    await put(services, topicContent('t', { user: '1' }))
    await put(services, topicContent('t', { user: '2' }))
    expect((await put(services, topicContent('t', {}))).prompts).toEqual([])
    expect((await put(services, topicContent('t', { user: '1' }))).prompts[0]?.revision).toBe(3)
  })

  it('leaves everything as it is when there is nothing to do', async () => {
    const services = await openServices()
    const topic = await put(services, topicContent('t', { user: 'x' }))
    expect(await publish(services, { topic_id: 't', by: 'bob' }, () => UNCHANGED)).toEqual({
      before: { record: topic, content: topicContent('t', { user: 'x' }) },
      topic,
      warnings: [],
    })
    expect(services.catalog.topic('t')).toEqual(topic)
  })

  it('cannot leave unchanged what is not there', async () => {
    const services = await openServices()
    const error = await failureOf(() => publish(services, { topic_id: 't', by: 'bob' }, () => UNCHANGED))
    expect(error.code).toBe('not_found')
  })

  it('answers what was there before and what is there now', async () => {
    const services = await openServices()
    const first = topicContent('t', { user: 'old' })
    const created = await publish(services, { topic_id: 't', by: 'ada' }, () => first)
    expect(created).toEqual({
      before: undefined,
      topic: services.catalog.topic('t'),
      warnings: [],
    })
    const edited = await putBodies(services, 't', { user: 'new' })
    expect(edited.before).toEqual({ record: created.topic, content: first })
    expect(edited.topic).toEqual(services.catalog.topic('t'))
  })

  it('refuses errors, all at once, and writes nothing', async () => {
    const services = await openServices()
    const error = await failureOf(() => put(services, topicContent('t', { user: '{{a}}', system: 'x {{b' })))
    expect(error.code).toBe('invalid_input')
    expect(error.errors?.map(({ path, column }) => [path, column])).toEqual([
      ['prompts.user', 1],
      ['prompts.system', 3],
    ])
    expect(await services.topics.get('t')).toBeUndefined()
    expect((await failureOf(() => put(services, topicContent('t', { user: 'x'.repeat(51_201) })))).code).toBe(
      'too_large',
    )
    expect(await services.topics.get('t')).toBeUndefined()
  })

  it('refuses a seventeenth prompt on every store, and the topic stays as it was', async () => {
    const bodies = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`type_${index}`, 'x']))
    for (const store of [memoryStore(), openFiles(await tempFolder())]) {
      const services = await openServices(store)
      const before = await put(services, topicContent('t', { type_0: 'x' }))
      expect((await failureOf(() => putBodies(services, 't', bodies))).code).toBe('invalid_input')
      expect(await services.topics.get('t')).toEqual({ topic_id: 't', topic: before })
    }
  })

  it('passes on what the edit throws, and what the store throws', async () => {
    const services = await openServices()
    const refuse = () => {
      throw new AppError('not_found', 'no such prompt')
    }
    expect((await failureOf(() => publish(services, { topic_id: 't', by: 'x' }, refuse))).message).toBe(
      'no such prompt',
    )
    services.topics.save = async () => {
      throw new AppError('unavailable', 'the disk is full')
    }
    expect((await failureOf(() => put(services, topicContent('t')))).code).toBe('unavailable')
  })

  it('refuses an invalid topic as a conflict that says why', async () => {
    const services = await openServices()
    services.topics.get = async () => ({ topic_id: 't', invalid: 'user.md: is not valid UTF-8.' })
    const error = await failureOf(() => put(services, topicContent('t')))
    expect([error.code, error.message]).toEqual([
      'conflict',
      'Topic "t" is invalid and must be fixed first: user.md: is not valid UTF-8.',
    ])
  })

  it('warns of parameters that no prompt uses', async () => {
    const services = await openServices()
    const content = topicContent('t', { user: '{{b}}' }, [parameter('a'), parameter('b')])
    expect((await publish(services, { topic_id: 't', by: 'x' }, () => content)).warnings).toEqual([
      { path: 'allowed_parameters.0', message: 'No prompt uses "a".' },
    ])
  })
})

describe('rivals', () => {
  it('a lost race is run again on what the winner left', async () => {
    const services = await openServices()
    await put(services, topicContent('t', { system: '0', user: '0' }))
    const seen: (string | undefined)[] = []
    const published = await publish(services, { topic_id: 't', by: 'loser' }, (current) => {
      const { record, content } = current as CurrentTopic
      seen.push(record.topic_name)
      if (seen.length === 1) void services.topics.save({ ...record, topic_name: 'Winner' }, {})
      return { ...content, texts: { ...content.texts, user: 'mine' } }
    })
    expect(seen).toEqual(['Topic t', 'Winner'])
    expect(published.topic).toMatchObject({ revision: 3, topic_name: 'Winner', updated_by: 'loser' })
    expect(await services.catalog.texts(services.catalog.topic('t'))).toEqual({ system: '0', user: 'mine' })
  })

  it('gives up in the end', async () => {
    const services = await openServices()
    let saves = 0
    services.topics.save = async () => {
      saves++
      throw new AppError('conflict', 'always another')
    }
    expect((await failureOf(() => put(services, topicContent('t')))).code).toBe('conflict')
    expect(saves).toBeGreaterThan(10)
  })

  it('many writers of one number lose no step', async () => {
    const services = await openServices()
    await put(services, topicContent('t', { user: '0' }))
    const step = () =>
      publish(services, { topic_id: 't', by: 'x' }, (current) => {
        const { definition, texts } = (current as CurrentTopic).content
        return { definition, texts: { user: String(Number(texts['user']) + 1) } }
      })
    await Promise.all(Array.from({ length: 25 }, step))
    expect(await services.catalog.texts(services.catalog.topic('t'))).toEqual({ user: '25' })
    expect(services.catalog.topic('t').revision).toBe(26)
    expect(await services.prompts.history('t', 'user')).toHaveLength(26)
  })

  it('never bring about a body that uses an undeclared parameter', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 150; round++) {
      const services = await openServices()
      await put(services, topicContent('t', { user: 'plain' }, [parameter('a')]))
      const jitter = async (turns: number) => {
        for (let turn = 0; turn < turns; turn++) await undefined
      }
      const drop = async () => {
        await jitter(round % 13)
        return publish(services, { topic_id: 't', by: 'dropper' }, (current) => {
          const { definition, texts } = (current as CurrentTopic).content
          return { definition: { ...definition, allowed_parameters: [] }, texts }
        })
      }
      const use = async () => {
        await jitter((round * 7) % 11)
        return putBodies(services, 't', { user: '{{a}}' })
      }
      const results = await Promise.allSettled([drop(), use()])
      const codes = results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code))
      outcomes.add(codes.join())
      const content = await contentOf(services.catalog, services.catalog.topic('t'))
      expect(checkTopic(content.definition, content.texts).errors).toEqual([])
      expect(codes.filter((code) => code === 'ok')).toHaveLength(1)
      expect(codes.filter((code) => code === 'invalid_input')).toHaveLength(1)
    }
    expect([...outcomes].sort()).toEqual(['invalid_input,ok', 'ok,invalid_input'])
  })
})
