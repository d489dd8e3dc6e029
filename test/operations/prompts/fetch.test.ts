import { describe, expect, it } from 'vitest'
import { batchGet, getPrompts, renderPrompts } from '../../../src/operations/prompts/fetch.ts'
import { failureOf } from '../../helpers/errors.ts'
import { caller } from '../../helpers/operations.ts'
import { parameter } from '../../helpers/parameters.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

const NAME = parameter('name', 'string', { required: true })

async function setUp() {
  const services = await openServices()
  await put(services, topicContent('greeting', { system: 'Be kind.', user: 'Hello {{name}} <&>' }, [NAME]))
  const inactive = topicContent('inactive', { user: 'x' })
  inactive.definition.is_active = false
  await put(services, inactive)
  return { services, call: caller(services) }
}

describe('getting prompts', () => {
  it('answers the raw texts and the revision, with parameters only on request', async () => {
    const { call } = await setUp()
    const prompts = { system: 'Be kind.', user: 'Hello {{name}} <&>' }
    expect(await call(getPrompts, { topic_id: 'greeting' }, { role: 'service' })).toEqual({
      data: { topic_id: 'greeting', prompts },
      meta: { revision: 1 },
    })
    const { data } = await call(getPrompts, { topic_id: 'greeting', include_parameters: true })
    expect(data).toEqual({ topic_id: 'greeting', prompts, allowed_parameters: [NAME] })
  })

  it.each(['inactive', 'unknown'])(
    'does not find a topic that is %s, whatever the role',
    async (topic_id) => {
      const { call } = await setUp()
      expect((await failureOf(() => call(getPrompts, { topic_id }))).code).toBe('not_found')
      expect((await failureOf(() => call(renderPrompts, { topic_id }))).code).toBe('not_found')
      const { data, errors } = await call(batchGet, { topic_ids: [topic_id] })
      expect([data, errors?.[topic_id]?.code]).toEqual([{}, 'not_found'])
    },
  )

  it.each(['__proto__', 'constructor', 'Upper', '../x', '', 'x'.repeat(65)])(
    'refuses the id "%s"',
    async (topic_id) => {
      const { call } = await setUp()
      expect((await failureOf(() => call(getPrompts, { topic_id }))).code).toBe('invalid_input')
    },
  )

  it('is nothing for users', async () => {
    const { call } = await setUp()
    const error = await failureOf(() => call(getPrompts, { topic_id: 'greeting' }, { role: 'user' }))
    expect(error.code).toBe('forbidden')
  })
})

describe('rendering prompts', () => {
  it('fills in parameters without escaping', async () => {
    const { call } = await setUp()
    const { data } = await call(renderPrompts, {
      topic_id: 'greeting',
      parameters: { name: '"Ada" & {{name}}' },
    })
    expect(data).toEqual({
      topic_id: 'greeting',
      prompts: { system: 'Be kind.', user: 'Hello "Ada" & {{name}} <&>' },
    })
  })

  it('refuses missing, wrong and unknown parameters at once, below "parameters"', async () => {
    const { call } = await setUp()
    const parameters = JSON.parse('{"other": 1, "constructor": 2, "__proto__": 3}')
    const error = await failureOf(() => call(renderPrompts, { topic_id: 'greeting', parameters }))
    expect(error.errors?.map(({ path }) => path).sort()).toEqual([
      'parameters.__proto__',
      'parameters.constructor',
      'parameters.name',
      'parameters.other',
    ])
  })

  it('converts strings only where only strings can travel', async () => {
    const { services, call } = await setUp()
    await put(services, topicContent('sum', { user: '{{n}}' }, [parameter('n', 'number')]))
    const input = { topic_id: 'sum', parameters: { n: '1e2' } }
    expect((await call(renderPrompts, input, { parameterStyle: 'text' })).data.prompts).toEqual({
      user: '100',
    })
    expect((await failureOf(() => call(renderPrompts, input))).code).toBe('invalid_input')
  })

  it('refuses unknown members of the input by name', async () => {
    const { call } = await setUp()
    const error = await failureOf(() => call(renderPrompts, { topic_id: 'greeting', params: {} }))
    expect(error.errors?.map(({ path }) => path)).toEqual(['params'])
  })

  it('refuses an answer without end', async () => {
    const { services, call } = await setUp()
    await put(
      services,
      topicContent('loop', { user: '{{#l}}{{#l}}{{l}}{{/l}}{{/l}}' }, [parameter('l', 'array')]),
    )
    const parameters = { l: Array(500).fill('x') }
    expect((await failureOf(() => call(renderPrompts, { topic_id: 'loop', parameters }))).code).toBe(
      'too_large',
    )
  })
})

describe('getting many', () => {
  it('answers every id once, good ones in data and the others in errors', async () => {
    const { call } = await setUp()
    const topic_ids = ['greeting', 'unknown', 'greeting', 'inactive', 'Mal formed', '', 'unknown']
    const { data, errors } = await call(batchGet, { topic_ids })
    expect(data).toEqual({ greeting: { prompts: { system: 'Be kind.', user: 'Hello {{name}} <&>' } } })
    expect(Object.entries(errors ?? {}).map(([id, { code }]) => [id, code])).toEqual([
      ['unknown', 'not_found'],
      ['inactive', 'not_found'],
      ['Mal formed', 'invalid_input'],
      ['', 'invalid_input'],
    ])
    expect(errors?.['unknown']?.detail).toBe('There is no topic "unknown".')
  })

  it('has no errors when there are none', async () => {
    const { call } = await setUp()
    expect(await call(batchGet, { topic_ids: ['greeting'] })).not.toHaveProperty('errors')
  })

  it('takes __proto__, constructor and toString for what they are', async () => {
    const { call } = await setUp()
    const { data, errors } = await call(batchGet, {
      topic_ids: ['__proto__', 'constructor', 'toString', 'greeting'],
    })
    expect(Object.keys(data)).toEqual(['greeting'])
    const sent: Record<string, { code: string }> = JSON.parse(JSON.stringify(errors))
    expect(Object.entries(sent).map(([id, { code }]) => [id, code])).toEqual([
      ['__proto__', 'invalid_input'],
      ['constructor', 'invalid_input'],
      ['toString', 'invalid_input'],
    ])
  })

  it('takes 1 to 100 ids', async () => {
    const { call } = await setUp()
    const ids = (count: number) => ({ topic_ids: Array.from({ length: count }, (_, index) => `t_${index}`) })
    expect(Object.keys((await call(batchGet, ids(1))).errors ?? {})).toHaveLength(1)
    expect(Object.keys((await call(batchGet, ids(100))).errors ?? {})).toHaveLength(100)
    for (const count of [0, 101]) {
      const error = await failureOf(() => call(batchGet, ids(count)))
      expect([error.code, error.errors?.[0]?.path]).toEqual(['invalid_input', 'topic_ids'])
    }
    expect((await failureOf(() => call(batchGet, { topic_ids: 'greeting' }))).code).toBe('invalid_input')
    expect((await failureOf(() => call(batchGet, { topic_ids: [1] }))).code).toBe('invalid_input')
  })

  it('answers at most 5 MiB and says of the rest that it is too large', async () => {
    const { services, call } = await setUp()
    const bodies = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`type_${index}`, '\n'.repeat(50_000)]),
    )
    const topic_ids = Array.from({ length: 8 }, (_, index) => `big_${index}`)
    for (const id of topic_ids) await put(services, topicContent(id, bodies))
    const answer = await call(batchGet, { topic_ids: [...topic_ids, 'greeting'] })
    expect(Object.keys(answer.data)).toEqual(['big_0', 'big_1', 'big_2', 'greeting'])
    expect(Object.entries(answer.errors ?? {}).map(([id, { code }]) => [id, code])).toEqual(
      topic_ids.slice(3).map((id) => [id, 'too_large']),
    )
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(5 * 1024 * 1024)
  })
})
