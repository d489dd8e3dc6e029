import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAiModel } from '../../../src/adapters/openai/model.ts'
import { type Abilities, ANSWER, type OpenAiServer, startOpenAi } from '../../stand-ins/openai.ts'
import { breaksOff, fails, says } from '../../stand-ins/openai-replies.ts'
import { ask, modelAt, PROMPT, REQUEST, TEXT_REQUEST } from './ask.ts'

// Valid answers in unusual clothes, for every form in which an answer is asked for, streamed and at once.

let server: OpenAiServer
beforeAll(async () => {
  server = await startOpenAi()
})
beforeEach(() => server.reset())
afterAll(() => server.stop())

const FORMS: Record<string, Partial<Abilities>> = {
  schema: {},
  tool: { schema: 'refused' },
  words: { schema: 'refused', tools: 'refused' },
}
const CASES = Object.keys(FORMS).flatMap((form) => [
  { form, isStreaming: false },
  { form, isStreaming: true },
])
const THOUGHT = 'The user wants {"analysis": "CANARY"}.\n```json\n{"analysis":"CANARY"}\n```\n'
const formOf = ({ response_format, tools }: OpenAiServer['chats'][number]['body']) =>
  response_format ? 'schema' : tools ? 'tool' : 'words'

describe.each(CASES)('$form, streaming: $isStreaming', ({ form, isStreaming }) => {
  beforeEach(() => void Object.assign(server.abilities, FORMS[form]))

  /** A model of which it is known already what its server takes. */
  async function settled() {
    const model = modelAt(server.baseUrl)
    await ask(model, isStreaming)
    expect(server.chats.map(({ body }) => formOf(body)).at(-1)).toBe(form)
    server.chats.length = 0
    return model
  }

  async function expectAnswer(model: Awaited<ReturnType<typeof settled>>) {
    const { reply, failure, deltas } = await ask(model, isStreaming)
    expect(failure).toBeUndefined()
    expect(reply?.answers).toEqual([ANSWER])
    const text = deltas.join('')
    expect(text).not.toContain('CANARY')
    expect(text).toBe(isStreaming ? ANSWER : '')
    return reply
  }

  it.each([
    `<think>${THOUGHT}</think>\n\n${ANSWER}`,
    `<think>${THOUGHT}</think>\`\`\`json\n${ANSWER}\n\`\`\``,
    // The opening tag is in the template of the model.
    `${THOUGHT}</think>\n\n${ANSWER}`,
    `Hm: ${THOUGHT}</think>\n\n\`\`\`json\n${ANSWER}\n\`\`\``,
  ])('leaves out what the model thinks in its text: %j', async (said) => {
    const model = await settled()
    for (const size of [1, 3, 1_000]) {
      // A model may think beside the call of a tool, or write its answer in place of one.
      server.script(form === 'tool' ? says(ANSWER, { size, beside: said }) : says(said, { size }))
      const reply = await expectAnswer(model)
      expect(reply?.answers.join()).not.toContain('think')
    }
  })

  it.each([
    `Here it is:\n\`\`\`json\n${ANSWER}\n\`\`\``,
    `\`\`\`json\n${ANSWER}\n\`\`\`\nThat is all.`,
    `Here it is:\r\n\r\n\`\`\`\r\n${ANSWER}\r\n\`\`\`\r\n\r\nThat is all.`,
    `\uFEFF\`\`\`json\n${ANSWER}\n\`\`\``,
    `\uFEFF${ANSWER}`,
  ])('takes what is in the one fence, and no byte order mark: %j', async (said) => {
    if (form === 'tool') server.abilities.tools = 'ignored'
    for (const size of [1, 3, 1_000]) {
      server.script(says(said, { size }))
      await expectAnswer(modelAt(server.baseUrl))
    }
  })

  it.each([
    ['no reason to stop', { finish: null }],
    ['no reason to stop, and no end of the stream', { finish: null, hasDone: false }],
    ['an unknown reason to stop', { finish: 'unknown' }],
    ['an empty reason to stop', { finish: '' }],
  ])('takes a whole answer with %s', async (_, saying) => {
    const model = await settled()
    server.script(says(ANSWER, saying))
    const reply = await expectAnswer(model)
    expect(reply?.stopReason).toBe('unstated')
    expect(server.chats).toHaveLength(1)
  })

  it.each(['length', 'content_filter'])(
    'does not take a whole answer that stopped for %s',
    async (finish) => {
      const model = await settled()
      server.script(says(ANSWER, { finish }))
      expect((await ask(model, isStreaming)).failure?.kind).toBe('incomplete')
    },
  )

  it('takes a whole answer after which the connection breaks', async () => {
    const model = await settled()
    server.script(breaksOff(ANSWER, 'reset', 1_000))
    const { reply, failure } = await ask(model, isStreaming)
    // At once the break is in the middle of the JSON.
    if (isStreaming) expect(reply?.answers).toEqual([ANSWER])
    else expect(failure?.kind).toBe('transient')
  })

  it.each([
    'data:\n\n',
    'data: \n\n',
    'data\n\n',
    ': ping\n\n',
    'event: ping\ndata: {"type":"ping"}\n\n',
    '\n',
  ])('passes over what keeps a stream alive: %j', async (keepAlive) => {
    const model = await settled()
    server.script(says(ANSWER, { keepAlive }))
    await expectAnswer(model)
  })

  it('takes an answer without the settings that the model refuses, and remembers them', async () => {
    Object.assign(server.abilities, { temperature: 'refused', lengths: 'refused', system: 'template' })
    const model = modelAt(server.baseUrl)
    await expectAnswer(model)
    const learning = server.chats.length
    await expectAnswer(model)
    expect(server.chats).toHaveLength(learning + 1)
    const { body } = server.chats.at(-1) ?? {}
    expect(formOf(body as never)).toBe(form)
    expect(body).not.toHaveProperty('temperature')
    expect(body?.messages.map(({ role }) => role)).toEqual(['user'])
    const [content = ''] = body?.messages.map((message) => message.content) ?? []
    expect(content).toMatch(/^You are an analyst\./)
    expect(content.endsWith(PROMPT)).toBe(true)
    expect(content.includes('JSON Schema')).toBe(form === 'words')
  })

  it('gives system texts the role that the model has for them', async () => {
    server.abilities.system = 'developer'
    await expectAnswer(modelAt(server.baseUrl))
    expect(server.chats.at(-1)?.body.messages.map(({ role }) => role)).toEqual(['developer', 'user'])
  })

  it('remembers what a server takes although the answer fails', async () => {
    const model = modelAt(server.baseUrl)
    server.script(says(ANSWER.slice(0, 40), { finish: 'length' }))
    expect((await ask(model, isStreaming)).failure?.kind).toBe('incomplete')
    server.chats.length = 0
    await expectAnswer(model)
    expect(server.chats.map(({ body }) => formOf(body))).toEqual([form])
  })

  it('notes a form that is given up once, with the status and no content', async () => {
    const notes: string[] = []
    const model = openAiModel({
      baseUrl: server.baseUrl,
      note: (text) => void notes.push(text),
    })
    for (let nth = 0; nth < 3; nth++) await ask(model, isStreaming)
    expect(notes).toHaveLength({ schema: 0, tool: 1, words: 2 }[form] ?? -1)
    for (const note of notes) expect(note).toMatch(/llama3\.2.*\(status 400\): a (JSON Schema|tool)/)
    expect(notes.join()).not.toContain(PROMPT)
  })
})

it.each([1, 3, 1_000])('joins the pieces of a call by their index, in pieces of %i', async (size) => {
  server.abilities.schema = 'refused'
  for (const saying of [{ moreCalls: [] }, { moreCalls: ['{"analysis":""}'] }]) {
    server.script(says(ANSWER, { size, hasManyIds: true, ...saying }))
    const { reply, deltas } = await ask(modelAt(server.baseUrl), true)
    expect(reply?.answers).toEqual([ANSWER, ...saying.moreCalls])
    expect(deltas.join('')).toBe(ANSWER)
  }
})

describe.each([false, true])('a plain text without a reason to stop, streaming: %s', (isStreaming) => {
  it('is whole if the server ended it', async () => {
    server.script(says('Begin small.', { finish: null }))
    const { reply } = await ask(modelAt(server.baseUrl), isStreaming, TEXT_REQUEST)
    expect(reply).toMatchObject({ answers: ['Begin small.'], stopReason: 'unstated' })
  })

  it.each(['abort', 'length'])('is not with the reason %s', async (finish) => {
    server.script(says('Begin small.', { finish }))
    const { failure } = await ask(modelAt(server.baseUrl), isStreaming, TEXT_REQUEST)
    expect(failure?.kind).toBe('incomplete')
  })
})

it('a plain text that only ends is cut off', async () => {
  server.script(says('Begin small.', { finish: null, hasDone: false }))
  const { failure } = await ask(modelAt(server.baseUrl), true, TEXT_REQUEST)
  expect(failure?.kind).toBe('transient')
})

it('notes that a server ignores the form of the answer', async () => {
  const notes: string[] = []
  server.abilities.schema = 'ignored'
  server.script(says('Revenue is a little low.'))
  await ask(openAiModel({ baseUrl: server.baseUrl, note: (text) => void notes.push(text) }), false)
  expect(notes).toEqual([expect.stringMatching(/ignores the form.*llama3\.2/)])
})

it.each([
  'Conversation roles must alternate user/assistant/user/assistant/...',
  'Only user and assistant roles are supported!',
  'System role not supported',
])('puts system texts into the first message after a template said: %s', async (message) => {
  server.script(fails(400, { message }))
  const { reply } = await ask(modelAt(server.baseUrl), false)
  expect(reply?.answers).toEqual([ANSWER])
  expect(server.chats.map(({ body }) => body.messages.map(({ role }) => role))).toEqual([
    ['system', 'user'],
    ['user'],
  ])
})

it.each([
  "Unsupported parameter: 'temperature' is not supported with this model.",
  '`temperature` is deprecated for this model.',
  'invalid temperature: only 1 is allowed for this model',
  'temperature: Extra inputs are not permitted',
])('leaves temperature out after a server said: %s', async (message) => {
  server.script(fails(400, { message, type: 'invalid_request_error' }))
  expect((await ask(modelAt(server.baseUrl), false)).reply?.answers).toEqual([ANSWER])
  expect(server.chats.map(({ body }) => body.temperature)).toEqual([0.3, undefined])
})

describe('a stream that stands still', () => {
  const stalling = () => openAiModel({ baseUrl: server.baseUrl, stallMs: 150 })
  const open = (chat: Parameters<ReturnType<typeof says>>[0]) =>
    chat.response.writeHead(200, { 'content-type': 'text/event-stream' })
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const event = (delta: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ delta, finish_reason }] })}\n\n`

  it('is not one before the first piece, nor while it is kept alive', async () => {
    server.script(async (chat) => {
      const { response } = open(chat) && chat
      response.write(event({ role: 'assistant', content: '' }))
      await pause(300)
      response.write(event({ content: ANSWER.slice(0, 20) }))
      for (let nth = 0; nth < 5; nth++) {
        await pause(80)
        response.write(': ping\n\n')
      }
      response.end(event({ content: ANSWER.slice(20) }, 'stop'))
    })
    expect((await ask(stalling(), true)).reply?.answers).toEqual([ANSWER])
  })

  it('in its thoughts is a transient failure, too', async () => {
    server.script((chat) => void open(chat).write(event({ reasoning_content: 'Hm.' })))
    const { failure } = await ask(stalling(), true)
    expect(failure).toMatchObject({
      kind: 'transient',
      message: expect.stringMatching(/sent nothing for 0\.15/),
    })
    await expect.poll(() => server.chats[0]?.outcome).toBe('abandoned')
  })

  it('has longer for the input of a tool, which some providers hold back', async () => {
    server.abilities.schema = 'refused'
    server.script(async (chat) => {
      const call = (args: string) => ({ tool_calls: [{ index: 0, function: { arguments: args } }] })
      const { response } = open(chat) && chat
      response.write(event(call(ANSWER.slice(0, 20))))
      await pause(400)
      response.end(event(call(ANSWER.slice(20)), 'tool_calls'))
    })
    const { reply } = await ask(stalling(), true, { ...REQUEST, maxTokens: 500 })
    expect(reply?.answers).toEqual([ANSWER])
  })
})
