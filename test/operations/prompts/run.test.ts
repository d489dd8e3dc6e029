import { describe, expect, it } from 'vitest'
import { runDraft } from '../../../src/operations/prompts/run.ts'
import { deleteTopic, updateTopic } from '../../../src/operations/topics/edit.ts'
import { failureOf } from '../../helpers/errors.ts'
import { caller } from '../../helpers/operations.ts'
import { parameter } from '../../helpers/parameters.ts'
import { ANALYSIS, GOOD, type Reply, scriptedModel, transient } from '../../helpers/scripted-model.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

const BODIES = { system: 'Live system {{name}}', user: 'Live user {{name}}' }
const PARAMETERS = [parameter('name', 'string', { required: true }), parameter('tone', 'string')]

async function setUp(topic_type: string, ...replies: Reply[]) {
  const model = scriptedModel(...replies)
  const services = await openServices({
    models: { open: async () => model, fallback: 'm', timeoutMs: 5_000 },
  })
  const content = topicContent('topic', BODIES, PARAMETERS)
  Object.assign(content.definition, { topic_type, config: { temperature: 0.5, max_tokens: 100 } })
  const before = await put(services, content)
  const call = caller(services)
  const shown: string[] = []
  const listener = {
    onText: (text: string) => void shown.push(text),
    onReset: () => void shown.push('<reset>'),
  }
  return {
    model,
    services,
    shown,
    call,
    run: (input: object, more = {}) => call(runDraft, { topic_id: 'topic', ...input }, { listener, ...more }),
    isUnchanged: async () =>
      expect(await services.topics.get('topic')).toEqual({ topic_id: 'topic', topic: before }),
  }
}

describe('an analysis', () => {
  it('is made with the draft in place of the live text, and nothing is stored', async () => {
    const { model, run, isUnchanged, shown } = await setUp('kpi_system', GOOD)
    const prompts = { system: 'Draft {{tone}} {{name}}', assistant: 'I am here.' }
    const answer = await run({ prompts, parameters: { name: 'Ada', tone: 'calm', unknown: 1 } })
    expect(answer.data).toEqual(ANALYSIS)
    expect(answer.meta).toEqual({
      topic_id: 'topic',
      revision: 1,
      model: 'm',
      input_tokens: 10,
      output_tokens: 5,
      attempts: 1,
      latency_ms: expect.any(Number),
      warnings: [{ path: 'parameters.unknown', message: expect.stringContaining('ignored') }],
    })
    expect(model.requests).toMatchObject([
      {
        system: ['Draft calm Ada'],
        messages: [{ content: 'Please begin.' }, { content: 'I am here.' }, { content: 'Live user Ada' }],
        format: { name: 'give_analysis' },
      },
    ])
    expect(shown.join('')).toBe(ANALYSIS.analysis)
    await isUnchanged()
  })

  it('has no message, and nothing was said before', async () => {
    const { run } = await setUp('single_shot')
    const said = { message: 'Hello', turns: [{ message: 'Hello' }] }
    const error = await failureOf(() => run({ parameters: { name: 'Ada' }, ...said }))
    expect(error.errors?.map(({ path }) => path)).toEqual(['message', 'turns'])
  })
})

describe('a coach', () => {
  it('answers the message that follows the user text', async () => {
    const { model, run, isUnchanged, shown } = await setUp('conversation_coaching', ['Hello, ', 'Ada.'])
    const prompts = { user: 'Draft for {{name}}.' }
    const answer = await run({ prompts, parameters: { name: 'Ada' }, message: 'Where do I {{begin}}?' })
    expect(answer.data).toEqual({ message: { role: 'assistant', content: 'Hello, Ada.' } })
    expect(answer.meta).toMatchObject({ topic_id: 'topic', revision: 1, model: 'm', attempts: 1 })
    expect(model.requests).toEqual([
      {
        model: 'm',
        system: ['Live system Ada'],
        messages: [{ role: 'user', content: 'Draft for Ada.\n\nWhere do I {{begin}}?' }],
        maxTokens: 100,
        temperature: 0.5,
        config: { temperature: 0.5, max_tokens: 100 },
      },
    ])
    expect(shown).toEqual(['Hello, ', 'Ada.'])
    await isUnchanged()
  })

  it('is sent the message alone where the user text is empty', async () => {
    const { model, run } = await setUp('conversation_coaching', 'Hello.')
    await run({ prompts: { system: ' ', user: '' }, parameters: { name: 'Ada' }, message: 'Hello' })
    expect(model.requests).toMatchObject([{ system: [], messages: [{ role: 'user', content: 'Hello' }] }])
  })

  it('is sent what was said before as a conversation sends it', async () => {
    const { model, run } = await setUp('conversation_coaching', 'Third.')
    const turns = [
      { message: 'One', answer: 'First.' },
      { message: 'Two, never answered' },
      { message: 'Two again', answer: 'Second.' },
    ]
    await run({ parameters: { name: 'Ada' }, turns, message: 'Three' })
    expect(model.requests).toMatchObject([
      {
        messages: [
          { role: 'user', content: 'Live user Ada\n\nOne' },
          { role: 'assistant', content: 'First.' },
          { role: 'user', content: 'Two, never answered\n\nTwo again' },
          { role: 'assistant', content: 'Second.' },
          { role: 'user', content: 'Three' },
        ],
      },
    ])
  })

  it('is sent the newest turns only where there is no room for all, as in a conversation', async () => {
    const { model, run, call } = await setUp('conversation_coaching', 'Third.')
    await call(updateTopic, { topic_id: 'topic', config: { max_tokens: 100, context_tokens: 1_000 } })
    const turns = ['One', 'Two'].map((message) => ({ message, answer: 'x'.repeat(2_000) }))
    await run({ parameters: { name: 'Ada' }, turns, message: 'Three' })
    expect(model.requests[0]?.messages.map(({ content }) => content.slice(0, 20))).toEqual([
      'Live user Ada\n\nTwo',
      'x'.repeat(20),
      'Three',
    ])
  })

  it('needs no history as a parameter', async () => {
    const parameters = [parameter('conversation_history', 'array', { required: true })]
    const texts = { user: '{{^conversation_history}}The first.{{/conversation_history}}' }
    const { model, run, services } = await setUp('conversation_coaching', 'Hello.')
    const content = topicContent('coach', texts, parameters)
    await put(services, {
      ...content,
      definition: { ...content.definition, topic_type: 'conversation_coaching' },
    })
    await run({ topic_id: 'coach', message: 'Hello' })
    expect(model.requests).toMatchObject([{ messages: [{ content: 'The first.\n\nHello' }] }])
  })

  it('is asked again after a passing failure, unless something was shown', async () => {
    const again = await setUp('conversation_coaching', transient(), 'Hello.')
    const { meta } = await again.run({ parameters: { name: 'Ada' }, message: 'Hello' })
    expect(meta).toMatchObject({ attempts: 2 })
    const cut: Reply = async ({ onDelta }) => {
      onDelta?.('Hel')
      throw transient()
    }
    const shown = await setUp('conversation_coaching', cut, 'Hello.')
    const error = await failureOf(() => shown.run({ parameters: { name: 'Ada' }, message: 'Hello' }))
    expect({ code: error.code, attempts: error.modelUse?.attempts }).toEqual({
      code: 'model_error',
      attempts: 1,
    })
  })

  it('that says nothing has failed', async () => {
    const { run } = await setUp('conversation_coaching', ' ')
    expect((await failureOf(() => run({ parameters: { name: 'Ada' }, message: 'x' }))).code).toBe(
      'model_error',
    )
  })

  it.each([
    [{ parameters: { name: 'Ada' } }, ['message']],
    [{ parameters: { name: 'Ada' }, message: '' }, ['message']],
    [{ parameters: { name: 'Ada' }, message: 'é'.repeat(8_193) }, ['message']],
    [
      { message: 'x', turns: [{ message: '', answer: '' }, { answer: 'x' }] },
      ['turns.0.message', 'turns.0.answer', 'turns.1.message'],
    ],
    [{ parameters: {}, message: 'x' }, ['parameters.name']],
    [{ parameters: { name: 'Ada', unknown: 1 }, message: 'x' }, ['parameters.unknown']],
    [{ prompts: { user: '{{nobody}}', 'No Type': 'x' }, message: 'x' }, ['prompts.No Type']],
    [
      { prompts: { user: '{{nobody}} {{> part}}', system: '{{x}}' }, message: 'x' },
      ['prompts.system', 'prompts.user', 'prompts.user'],
    ],
  ])('is not asked with what is wrong: %o', async (input, paths) => {
    const { model, run } = await setUp('conversation_coaching')
    const error = await failureOf(() => run(input))
    expect({ code: error.code, paths: error.errors?.map(({ path }) => path) }).toEqual({
      code: 'invalid_input',
      paths,
    })
    expect(model.requests).toEqual([])
  })
})

it('a draft may be of an inactive or deleted topic, of no unknown one and of no other type', async () => {
  const { call, run } = await setUp('kpi_system', GOOD, GOOD)
  await call(updateTopic, { topic_id: 'topic', is_active: false })
  expect((await run({ parameters: { name: 'Ada' } })).data).toEqual(ANALYSIS)
  await call(deleteTopic, { topic_id: 'topic' })
  expect((await run({ parameters: { name: 'Ada' } })).data).toEqual(ANALYSIS)
  expect((await failureOf(() => run({ topic_id: 'nothing' }))).code).toBe('not_found')
  const other = await setUp('release_notes')
  const error = await failureOf(() => other.run({ parameters: { name: 'Ada' } }))
  expect(error.errors?.map(({ path }) => path)).toEqual(['topic_id'])
})

it('a draft that is too large is refused as saving it would be', async () => {
  const { run } = await setUp('kpi_system')
  const error = await failureOf(() =>
    run({ prompts: { user: 'x'.repeat(51_201) }, parameters: { name: 'Ada' } }),
  )
  expect(error.code).toBe('too_large')
})

it('is for administrators', async () => {
  const { run } = await setUp('kpi_system')
  expect((await failureOf(() => run({}, { role: 'service' }))).code).toBe('forbidden')
})
