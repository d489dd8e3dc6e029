import { describe, expect, test } from 'vitest'
import { httpError, message, text, toolJson, toolUse, toolUses } from '../../stand-ins/bedrock-replies.ts'
import {
  FORMAT,
  failureOf,
  MODEL,
  openBedrock,
  PROMPT,
  PROTOCOLS,
  request,
  structured,
  WAYS,
} from './bedrock.ts'

const ANSWER = { analysis: 'Below the threshold: "5 %" – ein Ärgernis 📉', severity: 'warning' }
const INPUT = JSON.stringify(ANSWER)

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test.each(WAYS)('a structured answer, %s', async (way) => {
    const { server, ask } = await openBedrock(protocol)
    server.enqueue(toolUse('give_analysis', ANSWER))
    const { answers, usage, deltas } = await ask(structured(), way)
    expect(answers).toEqual([INPUT])
    expect(usage).toEqual({ inputTokens: 10, outputTokens: 5 })
    expect(deltas.join('')).toBe(way === 'streamed' ? INPUT : '')
    const [asked] = server.requests
    expect(asked?.operation).toBe(way === 'streamed' ? 'ConverseStream' : 'Converse')
    expect(asked?.httpVersion).toBe(protocol.replace('HTTP/2', 'HTTP/2.0').slice(5))
    expect(await asked?.ended).toBe('answered')
  })

  test.each(WAYS)('text, %s', async (way) => {
    const { server, ask } = await openBedrock(protocol)
    server.enqueue(text('Good day, Ada.'))
    const { answers, deltas } = await ask(request(), way)
    expect(answers).toEqual(['Good day, Ada.'])
    expect(deltas.join('')).toBe(way === 'streamed' ? 'Good day, Ada.' : '')
  })
})

describe.each(WAYS)('%s', (way) => {
  test('text besides the tool is not part of the answer', async () => {
    const { server, ask } = await openBedrock()
    server.enqueue(toolUse('give_analysis', ANSWER, { say: 'Let me look at the figures.' }))
    const { answers, deltas } = await ask(structured(), way)
    expect(answers).toEqual([INPUT])
    expect(deltas.join('')).toBe(way === 'streamed' ? INPUT : '')
  })

  test('of several tools all are answers, and the first is what streams', async () => {
    const { server, ask } = await openBedrock()
    server.enqueue(toolUses('give_analysis', [ANSWER, { other: 1 }, {}]))
    const { answers, deltas } = await ask(structured(), way)
    expect(answers).toEqual([INPUT, '{"other":1}', '{}'])
    expect(deltas.join('')).toBe(way === 'streamed' ? INPUT : '')
  })

  test('a model that uses no tool has its text taken for the answer, without deltas', async () => {
    const { server, ask } = await openBedrock()
    server.enqueue(text(INPUT))
    expect(await ask(structured(), way)).toMatchObject({ answers: [INPUT], deltas: [] })
  })

  test.each([
    `<thinking>I use no tool.</thinking>\n${INPUT}`,
    `Here it is:\n\`\`\`json\n${INPUT}\n\`\`\`\nThat is all.`,
  ])('of such a text only the JSON is the answer: %j', async (said) => {
    const { server, ask } = await openBedrock()
    server.enqueue(text(said))
    expect(await ask(structured(), way)).toMatchObject({ answers: [INPUT], deltas: [] })
  })

  test('what the model thinks is not part of the answer, and alone it is none', async () => {
    const { server, ask } = await openBedrock()
    const thought = { reasoning: 'The user wants an analysis.' }
    server.enqueue(message([thought, { text: 'Good day.' }]), message([thought]), message([thought]))
    expect((await ask(request(), way)).answers).toEqual(['Good day.'])
    for (const asked of [request(), structured()]) {
      expect(await failureOf(ask(asked, way))).toMatchObject({
        kind: 'incomplete',
        message: 'The model wrote its reasoning, but no answer.',
      })
    }
  })

  test('lengths of texts are left out of the schema for a model that refuses them, which is remembered', async () => {
    const notes: string[] = []
    const { server, ask } = await openBedrock('HTTP/1.1', { note: (note) => void notes.push(note) })
    const said = 'The model returned the following errors: tools.0: minLength is not supported.'
    server.refuse(({ body }) =>
      JSON.stringify(body.toolConfig).includes('minLength')
        ? httpError('ValidationException', 400, said)
        : undefined,
    )
    server.always(toolUse('give_analysis', ANSWER))
    const properties = { analysis: { type: 'string', minLength: 1 } }
    const format = { ...FORMAT, schema: { ...FORMAT.schema, properties } }
    for (let nth = 0; nth < 2; nth++) {
      expect((await ask(structured({ format }), way)).answers).toEqual([INPUT])
      const [tool] = server.requests.at(-1)?.body.toolConfig?.tools ?? []
      expect(tool?.toolSpec.inputSchema.json).toEqual(FORMAT.schema)
    }
    expect(server.requests).toHaveLength(3)
    expect(notes).toHaveLength(1)
  })

  test('a temperature out of its range is not left out without a word', async () => {
    const { server, ask } = await openBedrock()
    const said =
      'Malformed input request: #/temperature: 3 is not less or equal to 1, please reformat your input.'
    server.always(httpError('ValidationException', 400, said))
    const failure = await failureOf(ask(structured({ temperature: 3 }), way))
    expect(failure).toMatchObject({
      kind: 'refused',
      operatorMessage: expect.stringMatching(/config\.temperature/),
    })
    expect(server.requests).toHaveLength(1)
  })

  test('a model that says nothing gives no answer', async () => {
    const { server, ask } = await openBedrock()
    server.enqueue(message([]), message([]), text(''))
    expect((await ask(structured(), way)).answers).toEqual([])
    expect((await ask(request(), way)).answers).toEqual([])
    expect((await ask(request(), way)).answers).toEqual([])
  })

  test.each(['[1,"two",null]', '"text"', '7', '{"severity":"CRITICAL","more":[{"deep":true}]}'])(
    'what is no answer of the schema is handed on for others to judge: %s',
    async (json) => {
      const { server, ask } = await openBedrock()
      server.enqueue(toolJson('give_analysis', json))
      expect((await ask(structured(), way)).answers).toEqual([json])
    },
  )

  test('numbers that JavaScript cannot hold do no harm', async () => {
    const { server, ask } = await openBedrock()
    const json = '{"whole":12345678901234567890,"fraction":0.12345678901234567890123,"huge":1e400}'
    server.enqueue(toolJson('give_analysis', json))
    const [answer = ''] = (await ask(structured(), way)).answers
    expect(JSON.parse(answer)).toHaveProperty('whole')
  })

  test('invalid JSON is handed on as it came', async () => {
    const { server, ask } = await openBedrock()
    server.enqueue(toolJson('give_analysis', '{"analysis": "Below'))
    const [answer] = (await ask(structured(), way)).answers
    expect(answer).toBe(way === 'streamed' ? '{"analysis": "Below' : '"{\\"analysis\\": \\"Below"')
  })

  test('a tool without any input has an empty one', async () => {
    const { server, ask } = await openBedrock()
    server.enqueue(toolJson('give_analysis', way === 'streamed' ? '' : 'null'))
    expect((await ask(structured(), way)).answers).toEqual(['{}'])
  })

  test.each(['end_turn', 'tool_use', 'stop_sequence'])('%s is a good end', async (stopReason) => {
    const { server, ask } = await openBedrock()
    server.enqueue(text('Done.', { stopReason }))
    expect((await ask(request(), way)).answers).toEqual(['Done.'])
  })

  test('a request has all that was asked for, and no more', async () => {
    const { server, ask } = await openBedrock()
    server.always(toolUse('give_analysis', ANSWER))
    await ask(request(), way)
    const messages = [{ role: 'user', content: [{ text: PROMPT }] }]
    expect(server.requests[0]?.body).toEqual({ messages, inferenceConfig: { maxTokens: 256 } })

    const more = { system: ['You are an analyst.', 'Be brief.'], temperature: 0 }
    const guardrail = { guardrail_id: 'gr-1', guardrail_version: 3, trace: 'enabled' }
    const config = {
      max_turns: 3,
      guardrail,
      performance_config: { latency: 'optimized' },
      additional_model_request_fields: { top_k: 50 },
    }
    await ask(structured({ ...more, config }), way)
    expect(server.requests[1]?.body).toEqual({
      system: [{ text: 'You are an analyst.' }, { text: 'Be brief.' }],
      messages,
      inferenceConfig: { maxTokens: 256, temperature: 0 },
      toolConfig: {
        tools: [
          {
            toolSpec: {
              name: FORMAT.name,
              description: FORMAT.description,
              inputSchema: { json: FORMAT.schema },
            },
          },
        ],
        toolChoice: { tool: { name: FORMAT.name } },
      },
      guardrailConfig: { guardrailIdentifier: 'gr-1', guardrailVersion: '3', trace: 'enabled' },
      performanceConfig: { latency: 'optimized' },
      additionalModelRequestFields: { top_k: 50 },
    })
  })

  test.each([
    MODEL,
    'us.anthropic.claude-sonnet-4-20250514-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0',
    'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3',
    'arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc',
  ])('a model is asked under the name that it has: %s', async (model) => {
    const { server, ask } = await openBedrock()
    server.always(text('Hello.'))
    await ask(request({ model }), way)
    expect(server.requests[0]?.modelId).toBe(model)
  })
})

test('how a guardrail deals with a stream can be chosen', async () => {
  const { server, ask } = await openBedrock()
  server.always(text('Hello.'))
  const guardrail = { guardrail_id: 'gr-1', guardrail_version: 'DRAFT', stream_processing_mode: 'async' }
  await ask(request({ config: { guardrail } }), 'streamed')
  expect(server.requests[0]?.body.guardrailConfig).toEqual({
    guardrailIdentifier: 'gr-1',
    guardrailVersion: 'DRAFT',
    streamProcessingMode: 'async',
  })
})

test('pieces of any size, with pauses between them', async () => {
  const { server, ask } = await openBedrock()
  const input = { analysis: 'Down.' }
  for (const size of [1, 3, 1000]) {
    server.enqueue(toolUse('give_analysis', input, { size, gapMs: 1 }))
    const { answers, deltas } = await ask(structured(), 'streamed')
    expect(answers).toEqual([JSON.stringify(input)])
    expect(deltas).toHaveLength(Math.ceil(JSON.stringify(input).length / size))
  }
})

test('a piece is there within 20 ms of when it was sent', async () => {
  const { server, ask } = await openBedrock()
  const analysis = 'Revenue is five per cent below its threshold.'
  server.always(toolUse('give_analysis', { analysis }, { size: 16, gapMs: 25 }))
  await ask(structured(), 'streamed')
  const arrivals: number[] = []
  await ask(structured(), 'streamed', { onDelta: () => void arrivals.push(performance.now()) })
  const sent = server.requests[1]?.sentAt.filter(({ type }) => type === 'contentBlockDelta') ?? []
  const delays = arrivals.map((at, index) => at - (sent[index]?.at ?? 0)).sort((a, b) => a - b)
  expect(delays).toHaveLength(sent.length)
  // A machine with much else to do may hold up one of them.
  expect(delays[Math.floor(delays.length / 2)]).toBeLessThan(20)
})
