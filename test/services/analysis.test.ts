import { describe, expect, it } from 'vitest'
import { ANALYSIS_FORMAT, type AnalysisOptions, analyze } from '../../src/services/analysis.ts'
import type { ModelSettings } from '../../src/services/models.ts'
import { failureOf } from '../helpers/errors.ts'
import { parameter } from '../helpers/parameters.ts'
import { ANALYSIS, GOOD, type Reply, scriptedModel, transient } from '../helpers/scripted-model.ts'
import { openServices, put } from '../helpers/services.ts'
import { topicContent } from '../helpers/topics.ts'

const PARAMETERS = [parameter('kpi_value', 'number', { required: true }), parameter('note', 'string')]
const BODIES = { system: 'You analyse {{note}}.', user: 'Figure: {{kpi_value}}' }

/** A topic `kpi` that a scripted model answers. */
async function setUp(
  replies: Reply[],
  options: {
    bodies?: Record<string, string>
    config?: Record<string, unknown>
    models?: Partial<ModelSettings>
  } = {},
) {
  const model = scriptedModel(...replies)
  const models = { open: async () => model, fallback: 'fallback-model', timeoutMs: 5_000, ...options.models }
  const services = await openServices({ models })
  const content = topicContent('kpi', options.bodies ?? BODIES, PARAMETERS)
  Object.assign(content.definition, { topic_type: 'kpi_system', config: options.config ?? {} })
  await put(services, content)
  const shown: string[] = []
  const listener = {
    onText: (text: string) => void shown.push(text),
    onReset: () => void shown.push('<reset>'),
  }
  const ask = (parameters: Record<string, unknown> = { kpi_value: 1 }, more: Partial<AnalysisOptions> = {}) =>
    analyze(services, 'kpi', parameters, { style: 'json', prefix: 'parameters', ...more })
  return { model, services, ask, shown, listener }
}

describe('what the model is asked', () => {
  it('is the rendered topic, with its own model, limits and temperature', async () => {
    const config = { default_model: 'own-model', max_tokens: 100, temperature: 0.5, guardrail: { id: 'g' } }
    const { model, ask } = await setUp([GOOD], { config })
    const { analysis, use } = await ask({ kpi_value: 95_000, note: 'revenue' })
    expect(analysis).toEqual(ANALYSIS)
    expect(use).toEqual({ model: 'own-model', input_tokens: 10, output_tokens: 5, attempts: 1 })
    expect(model.requests).toEqual([
      {
        model: 'own-model',
        system: ['You analyse revenue.'],
        messages: [{ role: 'user', content: 'Figure: 95000' }],
        maxTokens: 100,
        temperature: 0.5,
        config,
        format: expect.objectContaining({ name: 'give_analysis' }),
      },
    ])
  })

  it('has a form that says nothing but what every model understands', () => {
    // As text, because some models are told it as text: its order counts, too.
    expect(JSON.stringify(ANALYSIS_FORMAT, null, 2)).toBe(
      JSON.stringify(
        {
          name: 'give_analysis',
          description: 'Gives the finished analysis.',
          schema: {
            type: 'object',
            properties: {
              analysis: {
                type: 'string',
                minLength: 1,
                description: 'The analysis, as plain text or Markdown.',
              },
              recommendations: {
                type: 'array',
                items: { type: 'string', minLength: 1 },
                description: 'What to do, the most important first; empty if nothing is to be done.',
              },
              severity: { type: 'string', enum: ['info', 'warning', 'critical'] },
            },
            required: ['analysis', 'recommendations', 'severity'],
          },
        },
        null,
        2,
      ),
    )
  })

  it('has 2,048 tokens and the fallback model unless the topic says otherwise', async () => {
    const { model, ask } = await setUp([GOOD])
    await ask()
    expect(model.requests[0]).toMatchObject({
      model: 'fallback-model',
      maxTokens: 2048,
      temperature: undefined,
    })
  })

  it('goes to the one model that replaces every topic’s', async () => {
    const { model, ask } = await setUp([GOOD], {
      config: { default_model: 'own' },
      models: { override: 'one' },
    })
    await ask()
    expect(model.requests[0]?.model).toBe('one')
  })

  it.each([
    ['a topic without a user text', { system: 'S' }, [/data:\n\n\{"kpi_value":1\}$/]],
    ['a blank user text', { system: 'S', user: ' \n' }, [/"kpi_value":1/]],
    [
      'an assistant text',
      { assistant: 'Before', user: 'U {{kpi_value}}' },
      ['Please begin.', 'Before', 'U 1'],
    ],
    ['an assistant text alone', { assistant: 'Before' }, ['Please begin.', 'Before', /"kpi_value":1/]],
    ['other types', { function: 'F', extra: 'E', user: 'U' }, ['U']],
  ])('begins and ends with the user: %s', async (_, bodies, expected) => {
    const { model, ask } = await setUp([GOOD], { bodies })
    await ask()
    const { messages = [] } = model.requests[0] ?? {}
    expect(messages.map(({ role }) => role)).toEqual(
      expected.length === 1 ? ['user'] : ['user', 'assistant', 'user'],
    )
    expect(messages.map(({ content }) => content)).toEqual(
      expected.map((text) => expect.stringMatching(text)),
    )
  })

  it('tells the checked values, with defaults, where there is no user text', async () => {
    const { model, ask } = await setUp([GOOD], { bodies: { system: 'S' } })
    await ask({ kpi_value: '7', note: '' }, { style: 'text' })
    expect(model.requests[0]?.messages[0]?.content).toMatch(/\{"kpi_value":7\}$/)
    const failure = await failureOf(() => ask({ kpi_value: 1, note: 'x'.repeat(1024 * 1024) }))
    expect(failure.code).toBe('too_large')
  })

  it('ignores unknown parameters and names them, and refuses faulty ones', async () => {
    const { model, ask } = await setUp([GOOD])
    expect((await ask({ kpi_value: 1, other: 2, more: 3 })).unknown).toEqual(['other', 'more'])
    const failure = await failureOf(() => ask({ kpi_value: 'x', note: 1, other: 2 }))
    expect(failure.errors?.map(({ path }) => path)).toEqual(['parameters.kpi_value', 'parameters.note'])
    expect((await failureOf(() => ask({}, { prefix: '' }))).errors?.map(({ path }) => path)).toEqual([
      'kpi_value',
    ])
    expect(model.requests).toHaveLength(1)
  })
})

describe('who cannot be analysed', () => {
  it('is a topic of another type, or none', async () => {
    const { services } = await setUp([])
    const other = topicContent('coaching', BODIES, PARAMETERS)
    other.definition.topic_type = 'conversation_coaching'
    await put(services, other)
    const options = { style: 'json' as const, prefix: '' }
    const failure = await failureOf(() => analyze(services, 'coaching', { kpi_value: 1 }, options))
    expect(failure).toMatchObject({ code: 'invalid_input', errors: [{ path: 'topic_id' }] })
    expect((await failureOf(() => analyze(services, 'none', {}, options))).code).toBe('not_found')
  })

  it.each([
    ['no provider', { open: undefined }, /PROMPTS_LLM/],
    ['no model', { fallback: undefined }, /default_model.*PROMPTS_LLM_MODEL/],
  ])('hears what to set: %s', async (_, models, hint) => {
    const { ask } = await setUp([GOOD], { models })
    const failure = await failureOf(() => ask())
    expect(failure).toMatchObject({
      code: 'model_not_configured',
      operatorMessage: expect.stringMatching(hint),
    })
  })
})

describe('an answer that is not valid', () => {
  const FAULTY: [string, string][] = [
    ['not JSON', 'Sure, here it is:'],
    ['no object', '[]'],
    ['a wrong type', JSON.stringify({ ...ANALYSIS, recommendations: 'many' })],
    ['a member too many', JSON.stringify({ ...ANALYSIS, extra: 1 })],
    ['a member missing', JSON.stringify({ ...ANALYSIS, severity: undefined })],
    ['another severity', JSON.stringify({ ...ANALYSIS, severity: 'CRITICAL' })],
    ['nothing', ''],
    ['an empty analysis', JSON.stringify({ ...ANALYSIS, analysis: '' })],
    ['2 MB', JSON.stringify({ ...ANALYSIS, analysis: 'x'.repeat(2_000_000) })],
    ['__proto__', `{"__proto__": {}, ${GOOD.slice(1)}`],
    ['half a character', JSON.stringify({ ...ANALYSIS, analysis: '\ud83d' })],
    ['nothing but blanks', JSON.stringify({ ...ANALYSIS, analysis: ' \n' })],
    [
      'thousands of half characters',
      JSON.stringify({ ...ANALYSIS, recommendations: Array(5_000).fill('\ud83d') }),
    ],
  ]

  it.each(FAULTY)('is shown to the model once, which may repair it: %s', async (_, faulty) => {
    const { model, ask } = await setUp([faulty, GOOD])
    const { analysis, use } = await ask()
    expect(analysis).toEqual(ANALYSIS)
    expect(use).toMatchObject({ attempts: 2, input_tokens: 20, output_tokens: 10 })
    const [, repair] = model.requests
    expect(repair?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
    expect(repair?.messages.at(-1)?.content).toMatch(/not valid/)
    expect(repair?.messages.every(({ content }) => content.trim() !== '' && content.length < 5_000)).toBe(
      true,
    )
  })

  it.each(FAULTY)('twice is a model_error: %s', async (_, faulty) => {
    const { model, ask } = await setUp([faulty, faulty, GOOD])
    const failure = await failureOf(() => ask())
    expect(failure).toMatchObject({ code: 'model_error', modelUse: { attempts: 2 } })
    expect(failure.message.length).toBeLessThan(1_000)
    expect(model.requests).toHaveLength(2)
  })

  it('may not be several, or none', async () => {
    for (const answers of [[GOOD, GOOD], []]) {
      const usage = { inputTokens: 1, outputTokens: 1 }
      const open = async () => ({ ask: async () => ({ answers, stopReason: 'end' as const, usage }) })
      const { ask } = await setUp([], { models: { open } })
      expect((await failureOf(() => ask())).code).toBe('model_error')
    }
  })

  it('is shown in the end as it is answered, whatever came before', async () => {
    const { ask, shown, listener } = await setUp([`{"analysis":"First.",${GOOD.slice(1)}`])
    await ask(undefined, { listener })
    expect(shown.slice(-2)).toEqual(['<reset>', ANALYSIS.analysis])
  })

  it('is not one for a byte order mark before it', async () => {
    const { ask, model } = await setUp([`\uFEFF${GOOD}`])
    expect((await ask()).analysis).toEqual(ANALYSIS)
    expect(model.requests).toHaveLength(1)
  })

  it('is void for the listener that was shown it', async () => {
    const { ask, shown, listener } = await setUp([['{"analysis":"No', 'pe"}'], [GOOD]])
    await ask(undefined, { listener })
    expect(shown).toEqual(['No', 'pe', '<reset>', ANALYSIS.analysis])
  })
})

describe('a failure of the model', () => {
  it('that is transient is tried again', async () => {
    const { ask } = await setUp([transient(), transient(), GOOD])
    expect((await ask()).use.attempts).toBe(3)
  })

  it('is final once something was shown', async () => {
    const cut: Reply = async ({ onDelta }) => {
      onDelta?.('{"analysis":"Reve')
      throw transient()
    }
    const early: Reply = async ({ onDelta }) => {
      onDelta?.('{"anal')
      throw transient()
    }
    const shownAlready = await setUp([cut, GOOD])
    expect((await failureOf(() => shownAlready.ask(undefined, shownAlready))).code).toBe('model_error')
    expect(shownAlready.shown).toEqual(['Reve'])
    const nothingYet = await setUp([early, GOOD])
    expect((await nothingYet.ask(undefined, nothingYet)).analysis).toEqual(ANALYSIS)
  })

  it('is what the end of the caller looks like, and the model learns of it', async () => {
    let told: unknown
    const watching: Reply = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          told = signal.reason
          reject(signal.reason)
        })
      })
    const { ask } = await setUp([watching])
    const controller = new AbortController()
    const asking = failureOf(() => ask(undefined, { signal: controller.signal }))
    setTimeout(() => controller.abort(), 50)
    expect(await asking).toMatchObject({ code: 'model_error', message: 'The caller has gone away.' })
    expect(told).toMatchObject({ code: 'model_error' })
    const late = new AbortController()
    late.abort()
    expect((await failureOf(() => ask(undefined, { signal: late.signal }))).code).toBe('model_error')
  })
})
