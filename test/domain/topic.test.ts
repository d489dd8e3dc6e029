import { describe, expect, it } from 'vitest'
import {
  byDisplayOrder,
  checkTopic,
  definitionOf,
  MAX_PROMPT_BYTES,
  TopicDefinition,
} from '../../src/domain/topic.ts'
import { fieldErrorsOf } from '../../src/domain/validation.ts'
import { parameter } from '../helpers/parameters.ts'
import { topicContent } from '../helpers/topics.ts'

function check(bodies: Record<string, string>, parameters = [parameter('name')]) {
  const { definition } = topicContent('t', bodies, parameters)
  return checkTopic(definition, bodies)
}

describe('checking a topic', () => {
  it('finds nothing wrong with bodies that use what is declared', () => {
    expect(check({ system: 'Hello {{name}}', user: '', other: 'plain' })).toEqual({
      errors: [],
      warnings: [],
    })
  })

  it('reports the errors of all texts together, with path, line and column', () => {
    const { errors } = check({ system: 'a\n {{x}} {{name}}', user: '{{#name}}' })
    expect(errors).toEqual([
      {
        path: 'prompts.system',
        line: 2,
        column: 2,
        expected: 'one of name',
        message: '"x" is not declared.',
      },
      {
        path: 'prompts.user',
        line: 1,
        column: 1,
        expected: 'a closing tag further on',
        message: 'Section "name" is never closed.',
      },
    ])
  })

  it('names bodies as the surface does', () => {
    const { definition } = topicContent('t')
    expect(checkTopic(definition, { user: '{{x}}' }, () => 'content').errors[0]?.path).toBe('content')
  })

  it('warns of declared parameters that no body uses', () => {
    const parameters = [parameter('unused'), parameter('name'), parameter('item')]
    expect(check({ system: '{{name}}', user: '\\{{unused}} {{! item }}' }, parameters)).toEqual({
      errors: [],
      warnings: [
        { path: 'allowed_parameters.0', message: 'No prompt uses "unused".' },
        { path: 'allowed_parameters.2', message: 'No prompt uses "item".' },
      ],
    })
  })

  it('refuses NUL and half characters', () => {
    expect(check({ system: '{{name}}a\0b', user: 'x\ud800y', other: '\udc00', fine: '😀' }).errors).toEqual([
      { path: 'prompts.system', expected: 'text without NUL', message: 'holds a NUL character.' },
      { path: 'prompts.user', expected: 'valid UTF-8', message: 'holds half a character.' },
      { path: 'prompts.other', expected: 'valid UTF-8', message: 'holds half a character.' },
    ])
  })

  it('takes a body of 51,200 bytes and not one more, counted in UTF-8', () => {
    expect(MAX_PROMPT_BYTES).toBe(51_200)
    expect(check({ system: 'é'.repeat(25_600) }, []).errors).toEqual([])
    expect(check({ system: 'x'.repeat(51_200) }, []).errors).toEqual([])
    for (const body of [`${'é'.repeat(25_600)}x`, '😀'.repeat(12_801), 'x'.repeat(51_201)]) {
      const message = 'prompts.system is larger than 51200 bytes.'
      expect(check({ system: body, user: '{{undeclared}}' }, [])).toEqual({
        tooLarge: message,
        errors: [{ path: 't', expected: 'a smaller topic', message }],
        warnings: [],
      })
    }
  })

  it('takes a record of 256 KiB and not one byte more, counted in UTF-8', () => {
    const withNote = (note: string) => ({ ...topicContent('t').definition, config: { note } })
    const room = 256 * 1024 - JSON.stringify(withNote('')).length
    expect(checkTopic(withNote('x'.repeat(room)), {}).errors).toEqual([])
    const message = 'Topic "t" is larger than 256 KiB.'
    expect(checkTopic(withNote('x'.repeat(room + 1)), {}).tooLarge).toBe(message)
    expect(checkTopic(withNote('é'.repeat(room / 2 + 1)), {}).tooLarge).toBe(message)
  })

  it('refuses by its path what not every store can hold', () => {
    const config = { tiny: -1e-200, least: [1e-130, 0, -0.5], a: [{ '': { deep: 1e-131 } }] }
    const { errors } = checkTopic({ ...topicContent('t').definition, config }, {})
    expect(errors.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'config.tiny is too small to be stored.',
      'config.a.0.(empty) has an empty name.',
      'config.a.0.(empty).deep is too small to be stored.',
    ])
  })

  it('refuses a record that nests without end', () => {
    let nested: unknown = 1
    for (let depth = 0; depth < 50_000; depth++) nested = { nested }
    const definition = { ...topicContent('t').definition, config: { nested } }
    expect(checkTopic(definition, {}).tooLarge).toBe('Topic "t" nests deeper than 16 levels.')
  })
})

describe('a topic definition', () => {
  const least = { topic_id: 't', topic_name: 'T', topic_type: 'a_new_type', category: 'a_new_category' }
  const faults = (changes: object) => {
    const parsed = TopicDefinition.safeParse({ ...least, ...changes })
    return parsed.success ? [] : fieldErrorsOf(parsed.error).map(({ path }) => path)
  }

  it('needs only id, name, type and category', () => {
    expect(TopicDefinition.parse(least)).toEqual({
      ...least,
      display_order: 100,
      is_active: true,
      allowed_parameters: [],
      config: {},
    })
    expect(fieldErrorsOf(TopicDefinition.safeParse({}).error as never).map(({ path }) => path)).toEqual(
      Object.keys(least),
    )
  })

  it.each([
    '',
    'Upper',
    'a-b',
    'a/b',
    '..',
    'x'.repeat(65),
    '__proto__',
    'constructor',
    'prototype',
    'ä',
    'a\n',
  ])('refuses the id %j', (topic_id) => expect(faults({ topic_id })).toEqual(['topic_id']))

  it('accepts ids and texts up to their limits', () => {
    const largest = {
      topic_id: 'x'.repeat(64),
      topic_name: 'n'.repeat(200),
      description: 'd'.repeat(2000),
      external_id: 'e'.repeat(200),
    }
    expect(faults(largest)).toEqual([])
    for (const [name, text] of Object.entries(largest))
      expect(faults({ [name]: `${text}x` }), name).toEqual([name])
  })

  it('refuses control characters, but lets a description have several lines', () => {
    expect(faults({ topic_name: 'a\nb' })).toEqual(['topic_name'])
    expect(faults({ topic_name: '' })).toEqual(['topic_name'])
    expect(faults({ description: 'a\r\n\tb' })).toEqual([])
    expect(faults({ description: 'a\u0007b' })).toEqual(['description'])
    expect(faults({ external_id: 'a\u0085b' })).toEqual(['external_id'])
  })

  it('keeps unknown settings of the model, but no unknown members', () => {
    const config = { default_model: 'm', temperature: 2, region: { of: ['caller'] } }
    expect(TopicDefinition.parse({ ...least, config }).config).toEqual(config)
    expect(faults({ colour: 'red', prompts: [] })).toEqual(['colour', 'prompts'])
  })

  it('refuses settings of the model that cannot be', () => {
    expect(
      faults({ config: { temperature: 2.1, max_turns: 0, max_tokens: 1.5, supports_streaming: 'yes' } }),
    ).toEqual(['config.supports_streaming', 'config.max_turns', 'config.temperature', 'config.max_tokens'])
    expect(faults({ display_order: 1.5, is_active: 'true', config: [] })).toEqual([
      'display_order',
      'is_active',
      'config',
    ])
  })
})

it('topics are ordered by display order, then by id, whatever the language', () => {
  const positions = [
    { display_order: 2, topic_id: 'a' },
    { display_order: 1, topic_id: 'b' },
    { display_order: 1, topic_id: 'a_b' },
    { display_order: 1, topic_id: 'ab' },
    { display_order: -1, topic_id: 'z' },
  ]
  expect(positions.sort(byDisplayOrder).map(({ topic_id }) => topic_id)).toEqual(['z', 'a_b', 'ab', 'b', 'a'])
  expect(byDisplayOrder({ display_order: 1, topic_id: 'a' }, { display_order: 1, topic_id: 'a' })).toBe(0)
})

it('definitionOf keeps what people write, in the order of the files, and leaves out what is not there', () => {
  const written = { ...topicContent('t').definition, description: 'd', external_id: 'e' }
  const record = { revision: 3, prompts: [], created_at: 'now', ...written }
  expect(Object.keys(definitionOf(record))).toEqual([
    'topic_id',
    'topic_name',
    'topic_type',
    'category',
    'description',
    'display_order',
    'is_active',
    'allowed_parameters',
    'config',
    'external_id',
  ])
  expect(definitionOf(topicContent('t').definition)).not.toHaveProperty('description')
})
