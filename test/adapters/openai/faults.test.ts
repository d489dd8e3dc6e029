import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ModelFailureKind } from '../../../src/domain/language-model.ts'
import { ANSWER, type OpenAiServer, startOpenAi } from '../../stand-ins/openai.ts'
import {
  babbles,
  breaksOff,
  fails,
  hangs,
  onlyThinks,
  type Reply,
  resets,
  SECRET_WORDS,
  says,
  sends,
  throttles,
} from '../../stand-ins/openai-replies.ts'
import { type Asked, allWordsOf, ask, KEY, modelAt, PROMPT, REQUEST, until } from './ask.ts'

// Against a stand-in: what goes over the wire, nothing about real servers.

let server: OpenAiServer
beforeAll(async () => {
  server = await startOpenAi()
})
beforeEach(() => server.reset())
afterAll(() => server.stop())

const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`
const stream = (...values: object[]) => sends(values.map(event).join(''), 'text/event-stream')

type Case = [name: string, reply: Reply, kind: ModelFailureKind, message: RegExp, operatorMessage?: RegExp]

/** Words of providers quote what was sent to them. */
const QUOTING = { message: `Bad: ${PROMPT} ${SECRET_WORDS} ${KEY}`, code: 'invalid_value', param: PROMPT }
const POLICY = { code: 'content_filter', message: 'The prompt was filtered.' }
const CONTEXT = { code: 'context_length_exceeded', message: `Maximum context length: ${PROMPT}` }
const NO_MODEL = { message: "model 'tool-schema' not found", type: 'invalid_request_error' }
const LOADING = { code: 503, message: 'Loading model', type: 'unavailable_error' }
const RANGE = { param: 'temperature', message: "Invalid 'temperature': expected a value <= 2, but got 3." }
const SPENT = { code: 'insufficient_quota', message: 'You exceeded your current quota.' }
const HEAT = { param: 'temperature', message: "'temperature' does not support 0.3." }

const STATUSES: Case[] = [
  ['401', fails(401, QUOTING), 'refused', /refuses access/, /PROMPTS_LLM_API_KEY/],
  ['403', fails(403, QUOTING), 'refused', /refuses access/, /PROMPTS_LLM_API_KEY/],
  ['402', fails(402, QUOTING), 'refused', /refuses access/, /credit/],
  ['404', fails(404, QUOTING), 'refused', /not known/, /"llama3.2".*PROMPTS_LLM_BASE_URL/],
  ['405', fails(405, QUOTING), 'refused', /not known/, /PROMPTS_LLM_BASE_URL/],
  ['a redirect', sends('', 'text/plain', 307), 'refused', /not known/, /PROMPTS_LLM_BASE_URL/],
  ['408', fails(408), 'transient', /out of order/, /408/],
  ['409', fails(409), 'transient', /out of order/],
  ['413', fails(413, QUOTING), 'refused', /longer/],
  ['425', fails(425), 'transient', /out of order/],
  ['429', throttles(), 'transient', /throttled/, /429/],
  ['429 without credit', fails(429, SPENT), 'refused', /refuses access/, /credit/],
  ['500', fails(500, QUOTING), 'transient', /out of order/, /500/],
  ['501', fails(501, QUOTING), 'refused', /does not take/],
  ['503', fails(503, QUOTING, { 'retry-after': '1' }), 'transient', /out of order/],
  ['503 while the model loads', fails(503, LOADING), 'transient', /still being loaded/, /503/],
  ['503 without words', sends('', 'text/html', 503), 'transient', /out of order/],
  ['400 for everything', fails(400, QUOTING), 'refused', /does not take/, /invalid_value/],
  ['400 for a setting', fails(400, HEAT), 'refused', /does not take/, /objects to temperature/],
  ['400 for its range', fails(400, RANGE), 'refused', /does not take/, /objects to temperature/],
  ['400 for the model', fails(400, NO_MODEL), 'refused', /not known/, /"llama3.2".*PROMPTS_LLM_MODEL/],
  ['400 for the length', fails(400, CONTEXT), 'refused', /longer/],
  ['400 for a filter', fails(400, POLICY), 'incomplete', /content filter/],
  ['422 for everything', fails(422, { detail: [{ input: PROMPT }] }), 'refused', /does not take/],
]

const CUT_ANSWER = ANSWER.slice(0, 60)
const FULL = { prompt_tokens: 3_000, completion_tokens: 499 }
const SPENT_LIMIT = { prompt_tokens: 3_000, completion_tokens: 500 }

const ANSWERS: Case[] = [
  [
    'limit of tokens',
    says(ANSWER, { finish: 'length', usage: SPENT_LIMIT }),
    'incomplete',
    /limit of tokens/,
    /Raise max_tokens/,
  ],
  [
    'full context',
    says(ANSWER, { finish: 'length', usage: FULL }),
    'incomplete',
    /context was full/,
    /3000.*499.*500/,
  ],
  ['limit, uncounted', says(ANSWER, { finish: 'length', usage: null }), 'incomplete', /limit of tokens/],
  ['filter', says(ANSWER, { finish: 'content_filter' }), 'incomplete', /content filter/],
  ['another reason', says(CUT_ANSWER, { finish: 'abort' }), 'incomplete', /stopped before/, /abort/],
  ['a reason that talks', says(CUT_ANSWER, { finish: PROMPT }), 'incomplete', /stopped before/],
  ['no reason', says(CUT_ANSWER, { finish: null }), 'transient', /broke off/],
  ['reasoning alone', onlyThinks(ANSWER), 'incomplete', /reasoning, but no answer/, /reasoning parser/],
  ['reasoning alone, no reason', onlyThinks(ANSWER, { finish: null }), 'incomplete', /but no answer/],
  ['refusal', says(ANSWER, { refusal: SECRET_WORDS }), 'incomplete', /declined/],
  ['too large', says('x'.repeat(2 ** 21), { size: 2 ** 16 }), 'incomplete', /1 MiB/],
  ['much too large', says('x'.repeat(10 * 2 ** 20), { size: 10 * 2 ** 20 }), 'incomplete', /1 MiB/],
  ['a page', sends(`<html>${SECRET_WORDS}</html>`, 'text/html'), 'refused', /known form/, /BASE_URL/],
  ['connection lost at once', resets(), 'transient', /cannot be reached/, /PROMPTS_LLM_BASE_URL/],
]

const WHOLE: Case[] = [
  ['another JSON', sends('{"status": "ok"}'), 'refused', /known form/, /PROMPTS_LLM_BASE_URL/],
  ['no object', sends('"ok"'), 'refused', /known form/],
  ['nothing', sends(''), 'transient', /cannot be read/],
  ['cut', breaksOff(ANSWER, 'end'), 'transient', /cannot be read/],
  ['reset', breaksOff(ANSWER, 'reset'), 'transient', /cannot be reached/],
  ['an error', breaksOff(ANSWER, 'error'), 'transient', /out of order/],
  ['garbage', breaksOff(ANSWER, 'garbage'), 'transient', /cannot be read/],
  ['a stream without end', babbles('answer'), 'incomplete', /1 MiB/],
]

const STREAMED: Case[] = [
  ['cut at once', breaksOff(ANSWER, 'end', 1), 'transient', /without an answer/],
  ['cut', breaksOff(ANSWER, 'end'), 'transient', /broke off/],
  ['reset at once', breaksOff(ANSWER, 'reset', 1), 'transient', /cannot be reached/],
  ['reset', breaksOff(ANSWER, 'reset', 3), 'transient', /broke off/],
  ['an error at once', breaksOff(ANSWER, 'error', 1), 'transient', /out of order/],
  ['an error', breaksOff(ANSWER, 'error', 3), 'transient', /out of order/],
  ['throttled', breaksOff(ANSWER, 'error', 3, { code: 429, message: PROMPT }), 'transient', /throttled/],
  ['refused', breaksOff(ANSWER, 'error', 3, { code: 400, message: PROMPT }), 'refused', /does not take/],
  ['an error in words', stream({ error: PROMPT }), 'transient', /out of order/],
  [
    'an error as an object',
    stream({ object: 'error', code: 503, message: PROMPT }),
    'transient',
    /out of order/,
  ],
  ['garbage at once', breaksOff(ANSWER, 'garbage', 1), 'transient', /cannot be read/],
  ['garbage', breaksOff(ANSWER, 'garbage', 3), 'transient', /broke off/],
  ['[DONE] alone', sends('data: [DONE]\n\n', 'text/event-stream'), 'transient', /without an answer/],
  ['empty', sends('', 'text/event-stream'), 'transient', /without an answer/],
  ['an answer without end', babbles('answer'), 'incomplete', /1 MiB/],
  ['a line without end', babbles('line'), 'incomplete', /1 MiB/],
]

const byForm = [
  ...[false, true].map((isStreaming) => ({ isStreaming, cases: [...STATUSES, ...ANSWERS] })),
  { isStreaming: false, cases: WHOLE },
  { isStreaming: true, cases: STREAMED },
]

describe.each(byForm)('streaming: $isStreaming', ({ isStreaming, cases }) => {
  it.each(cases)('%s', async (_name, reply, kind, message, operatorMessage = message) => {
    server.always(reply)
    const asked = await ask(modelAt(server.baseUrl), isStreaming)
    expectFailure(asked, kind, message, operatorMessage)
    await until(() => server.chats.every(({ outcome }) => outcome !== 'open'))
  })

  it.each(cases)('%s, for a tool', async (_name, reply, kind, message, operatorMessage = message) => {
    server.abilities.schema = 'refused'
    const model = modelAt(server.baseUrl)
    await ask(model, isStreaming)
    server.always(reply)
    expectFailure(await ask(model, isStreaming), kind, message, operatorMessage)
    await until(() => server.chats.every(({ outcome }) => outcome !== 'open'))
  })
})

function expectFailure(asked: Asked, kind: ModelFailureKind, message: RegExp, operatorMessage: RegExp): void {
  const { failure, reply } = asked
  expect(reply).toBeUndefined()
  expect(failure).toMatchObject({ name: 'ModelFailure', kind, message: expect.stringMatching(message) })
  expect(failure?.operatorMessage).toMatch(operatorMessage)
  const words = allWordsOf(failure)
  for (const secret of [KEY, PROMPT, SECRET_WORDS, '5% below', 'confidential']) {
    expect(words).not.toContain(secret)
  }
}

it.each([true, false])('tells what a stopped answer took, streaming: %s', async (isStreaming) => {
  const usage = { prompt_tokens: 200, completion_tokens: 100 }
  for (const saying of [{ finish: 'length' }, { refusal: SECRET_WORDS }]) {
    server.always(says(ANSWER, { ...saying, usage }))
    const { failure } = await ask(modelAt(server.baseUrl), isStreaming)
    expect(failure?.usage).toEqual({ inputTokens: 200, outputTokens: 100 })
  }
})

describe('when to try again', () => {
  it('is passed on in seconds', async () => {
    server.always(fails(503, {}, { 'retry-after': '7' }))
    expect((await ask(modelAt(server.baseUrl), true)).failure?.retryAfterMs).toBe(7_000)
  })

  it('is passed on as a date', async () => {
    server.always(fails(429, {}, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }))
    const { failure } = await ask(modelAt(server.baseUrl), true)
    expect(failure?.retryAfterMs).toBeGreaterThan(40_000)
    expect(failure?.retryAfterMs).toBeLessThanOrEqual(60_000)
  })

  it.each(['soon', '-1', '0', 'Thu, 01 Jan 1970 00:00:00 GMT'])('%s says nothing', async (told) => {
    server.always(fails(429, {}, { 'retry-after': told }))
    const { failure } = await ask(modelAt(server.baseUrl), true)
    expect(failure).toMatchObject({ kind: 'transient', retryAfterMs: undefined })
  })
})

describe('one attempt', () => {
  it.each(['401', '404', '429', '500', '400 for the length', '400 for the model'])(
    'asks once: %s',
    async (name) => {
      const [, reply = hangs()] = STATUSES.find(([one]) => one === name) ?? []
      server.always(reply)
      await ask(modelAt(server.baseUrl), true)
      expect(server.chats).toHaveLength(1)
    },
  )

  it('gives up after four requests that were refused without a reason', async () => {
    server.always(fails(400, { message: 'Bad Request' }))
    await ask(modelAt(server.baseUrl), true)
    expect(server.chats).toHaveLength(4)
  })

  it('does not remember what did not work', async () => {
    server.script(...Array.from({ length: 4 }, () => fails(400, { message: 'Bad Request' })))
    const model = modelAt(server.baseUrl)
    await ask(model, true)
    await ask(model, true)
    expect(server.chats.at(-1)?.body.response_format).toBeDefined()
  })
})

describe('settings', () => {
  it('names the setting when a key is missing', async () => {
    server.abilities.key = KEY
    const { failure } = await ask(modelAt(server.baseUrl, ''), false)
    expect(failure?.operatorMessage).toMatch(/set PROMPTS_LLM_API_KEY/)
    expect((await ask(modelAt(server.baseUrl), false)).reply).toBeDefined()
  })

  it.each(['sk-secret\nx', 'sk-secret ключ'])('refuses a key that no header can hold', async (key) => {
    const { failure } = await ask(modelAt(server.baseUrl, key), false)
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(allWordsOf(failure)).not.toContain('sk-secret')
    expect(failure?.operatorMessage).toMatch(/PROMPTS_LLM_API_KEY/)
  })

  it('names an address at which nothing answers, and nothing secret of it', async () => {
    const gone = await startOpenAi()
    await gone.stop()
    const { failure } = await ask(modelAt(`${gone.baseUrl}?key=sk-secret`), true)
    expect(failure).toMatchObject({ kind: 'transient', message: 'The model cannot be reached.' })
    expect(failure?.operatorMessage).toContain(`${gone.baseUrl}/chat/completions`)
    expect(failure?.operatorMessage).toContain('ECONNREFUSED')
    expect(allWordsOf(failure)).not.toContain('sk-secret')
  })
})

it('waits for the words of an error for a second at most', async () => {
  server.script(({ response }) => void response.writeHead(429).write('{"error":'))
  const start = performance.now()
  expect((await ask(modelAt(server.baseUrl), true)).failure).toMatchObject({ kind: 'transient' })
  expect(performance.now() - start).toBeLessThan(3_000)
  await expect.poll(() => server.chats[0]?.outcome).toBe('abandoned')
})

it('200 faulty calls leave neither memory nor connections behind', async () => {
  const model = modelAt(server.baseUrl)
  const faulty = [
    ...['end', 'reset', 'error', 'garbage'].map((by) => breaksOff(ANSWER, by as 'end')),
    resets(),
    throttles(),
    fails(500),
    says('x'.repeat(2 ** 21), { size: 2 ** 16 }),
    says(ANSWER, { finish: 'length' }),
    hangs(),
    breaksOff(ANSWER, 'stall'),
  ]
  const round = async (nth: number) => {
    const gone = new AbortController()
    server.always(faulty[nth % faulty.length] ?? hangs())
    const timer = setTimeout(() => gone.abort(), 20)
    expect((await ask(model, nth % 2 === 0, REQUEST, gone.signal)).failure).toBeDefined()
    clearTimeout(timer)
    server.chats.length = 0
  }
  for (let nth = 0; nth < 44; nth++) await round(nth)
  const before = heapInUse()
  for (let nth = 0; nth < 200; nth++) await round(nth)
  await until(() => server.connections() <= 2)
  expect(heapInUse() - before).toBeLessThan(4 * 2 ** 20)
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(10)
})

/** Bytes in use once everything else is collected. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  gc()
  gc()
  return process.memoryUsage().heapUsed
}
