import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ANSWER, type OpenAiServer, startOpenAi } from '../../stand-ins/openai.ts'
import { says, sends } from '../../stand-ins/openai-replies.ts'
import { ask, FORMAT, KEY, modelAt, PROMPT, REQUEST, TEXT_REQUEST } from './ask.ts'

// Against a stand-in: what goes over the wire, nothing about real servers.

let server: OpenAiServer
beforeAll(async () => {
  server = await startOpenAi()
})
beforeEach(() => server.reset())
afterAll(() => server.stop())

const bodies = () => server.chats.map(({ body }) => body)
const lastBody = () => bodies().at(-1)
const forms = () => bodies().map((body) => (body.response_format ? 'schema' : body.tools ? 'tool' : 'words'))

describe.each([{ isStreaming: false }, { isStreaming: true }])(
  'streaming: $isStreaming',
  ({ isStreaming }) => {
    it('asks for an answer of a schema and gives its JSON', async () => {
      const { reply, deltas } = await ask(modelAt(server.baseUrl), isStreaming)
      expect(reply).toEqual({
        answers: [ANSWER],
        stopReason: 'end',
        usage: { inputTokens: 20, outputTokens: 10 },
      })
      if (isStreaming) expect(deltas.length).toBeGreaterThan(5)
      expect(deltas.join('')).toBe(isStreaming ? ANSWER : '')
      expect(lastBody()).toEqual({
        model: 'llama3.2',
        messages: [
          { role: 'system', content: 'You are an analyst.' },
          { role: 'user', content: PROMPT },
        ],
        max_tokens: 500,
        temperature: 0.3,
        response_format: {
          type: 'json_schema',
          json_schema: { ...FORMAT, strict: false },
        },
        ...(isStreaming && { stream: true, stream_options: { include_usage: true } }),
      })
      expect(server.chats[0]?.headers.authorization).toBe(`Bearer ${KEY}`)
    })

    it('gives text as it is when no format is wanted', async () => {
      const text = '```json\n{"a": 1}\n```\n'
      server.script(says(text))
      const { reply, deltas } = await ask(modelAt(server.baseUrl), isStreaming, TEXT_REQUEST)
      expect(reply?.answers).toEqual([text])
      expect(deltas.join('')).toBe(isStreaming ? text : '')
      expect(forms()).toEqual(['words'])
      expect(lastBody()?.messages).toHaveLength(2)
    })

    it('sends one system message at most, and none without system texts', async () => {
      const model = modelAt(server.baseUrl)
      await ask(model, isStreaming, { ...REQUEST, system: ['First.', 'Second.'], temperature: undefined })
      expect(lastBody()?.messages[0]).toEqual({ role: 'system', content: 'First.\n\nSecond.' })
      expect(lastBody()).not.toHaveProperty('temperature')
      await ask(model, isStreaming, { ...REQUEST, system: [] })
      expect(lastBody()?.messages).toEqual(REQUEST.messages)
    })

    it('takes a tool where a schema is refused, and remembers it', async () => {
      server.abilities.schema = 'refused'
      const model = modelAt(server.baseUrl)
      const { reply, deltas } = await ask(model, isStreaming)
      expect(reply?.answers).toEqual([ANSWER])
      expect(deltas.join('')).toBe(isStreaming ? ANSWER : '')
      await ask(model, isStreaming)
      expect(forms()).toEqual(['schema', 'tool', 'tool'])
      expect(lastBody()).toMatchObject({
        tools: [{ type: 'function', function: { name: 'give_analysis', parameters: FORMAT.schema } }],
        tool_choice: 'required',
      })
    })

    it('asks in words where a tool is refused, too, and remembers it for each model', async () => {
      Object.assign(server.abilities, { schema: 'refused', tools: 'refused' })
      const model = modelAt(server.baseUrl)
      expect((await ask(model, isStreaming)).reply?.answers).toEqual([ANSWER])
      await ask(model, isStreaming)
      await ask(model, isStreaming, { ...REQUEST, model: 'another' })
      expect(forms()).toEqual(['schema', 'tool', 'words', 'words', 'schema', 'tool', 'words'])
      const [system] = lastBody()?.messages ?? []
      expect(system?.role).toBe('system')
      expect(system?.content).toContain('You are an analyst.')
      expect(system?.content).toContain(JSON.stringify(FORMAT.schema))
    })

    it('finds its way with a server that refuses without a word', async () => {
      Object.assign(server.abilities, {
        schema: 'refused',
        tools: 'refused',
        usage: 'refused',
        isTalkative: false,
      })
      const { reply } = await ask(modelAt(server.baseUrl), isStreaming)
      expect(reply?.answers).toEqual([ANSWER])
      expect(server.chats).toHaveLength(isStreaming ? 4 : 3)
    })

    it('takes the other limit of tokens where a server insists', async () => {
      server.abilities.limit = 'max_completion_tokens'
      const model = modelAt(server.baseUrl)
      expect((await ask(model, isStreaming)).reply?.answers).toEqual([ANSWER])
      expect(lastBody()).toMatchObject({ max_completion_tokens: 500 })
      expect(lastBody()).not.toHaveProperty('max_tokens')
      await ask(model, isStreaming)
      expect(server.chats).toHaveLength(3)
    })

    it('asks in words once it has seen that a server ignores the schema', async () => {
      server.abilities.schema = 'ignored'
      server.script(says('Revenue is a little low.'))
      const model = modelAt(server.baseUrl)
      expect((await ask(model, isStreaming)).reply?.answers).toEqual(['Revenue is a little low.'])
      expect((await ask(model, isStreaming)).reply?.answers).toEqual([ANSWER])
      expect(forms()).toEqual(['schema', 'words'])
    })

    it('gives text for a tool that a server ignores, then asks in words', async () => {
      Object.assign(server.abilities, { schema: 'refused', tools: 'ignored' })
      server.script(says('Revenue is a little low.'))
      const model = modelAt(server.baseUrl)
      const first = await ask(model, isStreaming)
      expect(first.reply?.answers).toEqual(['Revenue is a little low.'])
      expect(first.deltas.join('')).toBe(isStreaming ? 'Revenue is a little low.' : '')
      await ask(model, isStreaming)
      expect(forms()).toEqual(['schema', 'tool', 'words'])
    })

    it.each([
      ['```json\n', '\n```'],
      ['\n```\r\n', '\n```\n\n'],
      ['```JSON\n', '```'],
    ])('takes a fence around the whole away: %j', async (before, after) => {
      for (const size of [1, 3, 1000]) {
        server.script(says(`${before}${ANSWER}${after}`, { size }))
        const { reply, deltas } = await ask(modelAt(server.baseUrl), isStreaming)
        expect(reply?.answers).toEqual([ANSWER])
        expect(deltas.join('')).toBe(isStreaming ? ANSWER : '')
      }
    })

    it.each([
      `\`\`\`json\n${ANSWER}`,
      `Two:\n\`\`\`\n${ANSWER}\n\`\`\`\n\`\`\`\n${ANSWER}\n\`\`\``,
      `${ANSWER}\n`,
      `\`\`\`yaml\n${ANSWER}\n\`\`\``,
      `${' '.repeat(100)}${ANSWER}`,
    ])('leaves everything else as it is: %j', async (said) => {
      for (const size of [1, 1000]) {
        server.script(says(said, { size }))
        expect((await ask(modelAt(server.baseUrl), isStreaming)).reply?.answers).toEqual([said])
      }
    })

    it.each([{ isIndexLost: false }, { isIndexLost: true }])(
      'gives all calls of the tool: %j',
      async (lost) => {
        server.abilities.schema = 'refused'
        server.script(says(ANSWER, { moreCalls: ['{"analysis":""}'], beside: 'I call it twice.', ...lost }))
        const { reply, deltas } = await ask(modelAt(server.baseUrl), isStreaming)
        expect(reply?.answers).toEqual([ANSWER, '{"analysis":""}'])
        expect(deltas.join('')).toBe(isStreaming ? ANSWER : '')
      },
    )

    it('leaves out what the model thinks', async () => {
      server.script(says(ANSWER, { reasoning: 'The user wants an analysis of revenue.' }))
      const { reply, deltas } = await ask(modelAt(server.baseUrl), isStreaming)
      expect(reply?.answers).toEqual([ANSWER])
      expect(deltas.join('')).toBe(isStreaming ? ANSWER : '')
    })

    it.each([{ usage: null }, { usage: { prompt_tokens: -1, completion_tokens: 0.5 } }])(
      'counts no tokens when the server tells none: %j',
      async (told) => {
        server.script(says(ANSWER, told))
        const { reply } = await ask(modelAt(server.baseUrl), isStreaming)
        expect(reply?.usage).toEqual({ inputTokens: 0, outputTokens: 0 })
      },
    )

    it('gives no answer when there is none', async () => {
      server.script(says(''))
      expect((await ask(modelAt(server.baseUrl), isStreaming)).reply?.answers).toEqual([])
    })

    it('keeps characters whole, wherever the bytes are cut', async () => {
      const text = 'Umsätze 📉 − 5 %\u2028 fertig'
      server.script(says(text, { size: 1 }))
      const { reply, deltas } = await ask(modelAt(server.baseUrl), isStreaming, TEXT_REQUEST)
      expect(reply?.answers).toEqual([text])
      expect(deltas.join('')).toBe(isStreaming ? text : '')
    })

    it('works without a key, and under an address with a slash and a query', async () => {
      server.abilities.models = ['llama3.2']
      const { reply } = await ask(modelAt(`${server.baseUrl}/`, ''), isStreaming)
      expect(reply?.answers).toEqual([ANSWER])
      expect(server.chats[0]?.headers).not.toHaveProperty('authorization')
    })

    it('uses a connection again', async () => {
      const model = modelAt(server.baseUrl)
      for (let nth = 0; nth < 5; nth++) await ask(model, isStreaming)
      expect(new Set(server.chats.map(({ port }) => port)).size).toBeLessThanOrEqual(2)
      expect(server.chats.every(({ outcome }) => outcome === 'answered')).toBe(true)
    })
  },
)

it('does without a count of tokens where a server refuses to stream it', async () => {
  server.abilities.usage = 'refused'
  const model = modelAt(server.baseUrl)
  expect((await ask(model, true)).reply?.usage).toEqual({ inputTokens: 0, outputTokens: 0 })
  await ask(model, true)
  expect(server.chats).toHaveLength(3)
  expect(lastBody()).not.toHaveProperty('stream_options')
})

it('takes a whole answer from a server that does not stream', async () => {
  const whole = { choices: [{ message: { content: ANSWER }, finish_reason: 'stop' }] }
  server.script(sends(JSON.stringify(whole)))
  const { reply, deltas } = await ask(modelAt(server.baseUrl), true)
  expect(reply?.answers).toEqual([ANSWER])
  expect(deltas.join('')).toBe(ANSWER)
})

it('takes text in parts, arguments as objects, and an end of stream without an empty line', async () => {
  const parts = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
    { type: 'text', text: 'Low.' },
  ]
  server.script(
    sends(`data:{"choices":[{"delta":{"content":${JSON.stringify(parts)}},"finish_reason":"stop"}]}`, ''),
  )
  expect((await ask(modelAt(server.baseUrl), true, TEXT_REQUEST)).reply?.answers).toEqual(['Low.'])
  const called = { tool_calls: [{ function: { arguments: { analysis: 'Low.' } } }] }
  server.abilities.schema = 'refused'
  server.script(sends(JSON.stringify({ choices: [{ message: called, finish_reason: 'tool_calls' }] })))
  expect((await ask(modelAt(server.baseUrl), false)).reply?.answers).toEqual(['{"analysis":"Low."}'])
})

it('gives a finished answer although [DONE] and the end of the stream never come', async () => {
  const finished = `data: {"choices":[{"delta":{"content":"Low."},"finish_reason":"stop"}]}\n\n`
  for (const end of ['', 'data: [DONE]\n\n']) {
    server.script(({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(finished + end)
    })
    const start = performance.now()
    const { reply } = await ask(modelAt(server.baseUrl), true, TEXT_REQUEST)
    expect(reply?.answers).toEqual(['Low.'])
    expect(performance.now() - start).toBeLessThan(end === '' ? 3_000 : 900)
  }
})

it('gives a finished answer of a stream that breaks after it', async () => {
  server.script((chat) => {
    const finished = `data: {"choices":[{"delta":{"content":"Low."},"finish_reason":"stop"}]}\n\n`
    chat.response.writeHead(200, { 'content-type': 'text/event-stream' })
    chat.response.write(finished, () => setTimeout(chat.breakOff, 50))
  })
  expect((await ask(modelAt(server.baseUrl), true, TEXT_REQUEST)).reply?.answers).toEqual(['Low.'])
})

it('hands a delta on within 20 ms', async () => {
  const model = modelAt(server.baseUrl)
  const first: number[] = []
  const all: number[] = []
  // Other programs may hold this one up now and then.
  for (let nth = 0; nth < 3; nth++) {
    const sent: number[] = []
    const got: number[] = []
    const onSend = (delta: string) => void (delta && sent.push(performance.now()))
    server.script(says(ANSWER, { everyMs: 5, onSend }))
    const signal = new AbortController().signal
    await model.ask(REQUEST, { signal, onDelta: () => void got.push(performance.now()) })
    expect(got).toHaveLength(sent.length)
    const late = got.map((at, index) => at - (sent[index] ?? 0))
    first.push(late[0] ?? Number.NaN)
    all.push(...late)
  }
  expect(Math.min(...first)).toBeLessThan(20)
  expect(all.sort((a, b) => a - b)[Math.floor(all.length / 2)]).toBeLessThan(20)
})

it('passes on what the listener throws, and ends the call', async () => {
  const listener = { signal: new AbortController().signal, onDelta: throwing }
  server.script(says(ANSWER, { everyMs: 5 }))
  await expect(modelAt(server.baseUrl).ask(REQUEST, listener)).rejects.toThrow('the listener')
  await expect.poll(() => server.chats[0]?.outcome).toBe('abandoned')
})

function throwing(): never {
  throw new Error('the listener')
}

it('learns about a server once for many calls', async () => {
  Object.assign(server.abilities, { schema: 'refused', tools: 'refused' })
  const model = modelAt(server.baseUrl)
  const asks = Array.from({ length: 20 }, (_, nth) => ask(model, nth % 2 === 0))
  for (const { reply } of await Promise.all(asks)) expect(reply?.answers).toEqual([ANSWER])
  const before = server.chats.length
  await ask(model, true)
  expect(server.chats).toHaveLength(before + 1)
})
