import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, dataOf, expectProblem, sharedApi } from '../../helpers/api.ts'
import { logLeaks } from '../../helpers/canaries.ts'
import {
  ANSWER,
  type CoachClient,
  type ConversationJson,
  coachClient,
  sharedModel,
  userTokens,
} from '../../helpers/coaching.ts'
import { runCommand } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { PACKAGE_ROOT, startServer, waitFor } from '../../helpers/program.ts'
import { fails, hangs, says } from '../../stand-ins/openai-replies.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const NOBODY = '01890000-0000-7000-8000-000000000000'
const shared = sharedModel()
const server = sharedApi(shared.settings)
let tokenOf: (claims?: object) => string
let ana: CoachClient

beforeAll(async () => {
  tokenOf = await userTokens(server.folder)
  ana = coachClient(server, tokenOf())
})

/** A topic of a test's own. */
async function coachTopic(topic_id: string, config: object) {
  const texts = { system: 'You coach.', user: 'Begin.' }
  const source = join(await tempFolder(), 'topic.json')
  const definition = {
    topic_id,
    topic_name: topic_id,
    topic_type: 'conversation_coaching',
    category: 'coaching',
  }
  await writeFile(source, JSON.stringify({ topics: [{ ...definition, config, prompts: texts }] }))
  const { code, stderr } = await runCommand(['import', source], server.settings)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  await waitFor(
    async () => (await api(server, `GET /prompts/${topic_id}`, { key: server.key })).status === 200,
  )
}

describe('the walk', () => {
  test('start, say, get, list, cancel and erase answer in the shapes of the contract', async () => {
    const me = coachClient(server, tokenOf({ sub: 'walker' }))
    const body = { topic_id: 'core_values', parameters: { user_name: 'Ana' } }
    const started = await me.ask('POST /conversations', { body })
    expect(started.status).toBe(201)
    const { conversation_id: id } = dataOf<ConversationJson>(started)
    expect(id).toMatch(UUID)
    expect(started.headers['location']).toBe(`/api/v1/conversations/${id}`)
    const use = await server.admin('GET /admin/usage/core_values')
    expect(use.json.data).toMatchObject({ calls_24h: 1, last_caller: '(user)' })
    const time = expect.stringMatching(/^\d{4}-.*Z$/)
    const facts = { conversation_id: id, topic_id: 'core_values', topic_revision: 1, created_at: time }
    const state = { ...facts, status: 'active', messages: [], remaining_turns: 20, updated_at: time }
    expect(started.json).toEqual({ data: state })
    expect(shared.model.chats).toHaveLength(0)

    const answered = await me.say(id, 'I like to teach.')
    expect(answered.status).toBe(200)
    const answer = {
      id: expect.stringMatching(UUID),
      turn: 1,
      role: 'assistant',
      content: ANSWER,
      created_at: time,
    }
    expect(answered.json).toEqual({
      data: { message: answer, remaining_turns: 19 },
      meta: {
        topic_id: 'core_values',
        revision: 1,
        model: 'test-model',
        input_tokens: 20,
        output_tokens: 10,
        attempts: 1,
        latency_ms: expect.any(Number),
        context: { turns_sent: 1, turns_left_out: 0 },
      },
    })
    const [chat] = shared.model.chats
    expect(chat?.body.messages.map(({ role }) => role)).toEqual(['system', 'user'])
    expect(chat?.body.messages[0]?.content).toContain('You coach Ana')
    expect(chat?.body.messages[1]?.content).toMatch(
      /Core values session with Ana[\s\S]*\n\nI like to teach\.$/,
    )

    const question = { ...answer, role: 'user', content: 'I like to teach.' }
    const messages = [question, { ...answer, id: dataOf<{ message: { id: string } }>(answered).message.id }]
    expect(dataOf(await me.ask(`GET /conversations/${id}`))).toEqual({
      ...state,
      messages,
      remaining_turns: 19,
    })
    const second = await me.start()
    const list = await me.ask('GET /conversations?limit=1')
    expect(list.json.data).toEqual([{ ...facts, conversation_id: second, turns: 0, updated_at: time }])
    const rest = await me.ask(`GET /conversations?limit=1&cursor=${list.json.meta?.next_cursor}`)
    expect(rest.json).toEqual({ data: [{ ...facts, turns: 1, updated_at: time }] })
    expectProblem(await me.ask('GET /conversations?cursor=x'), 400, 'invalid_input', ['cursor'])

    const cancelled = await me.ask(`POST /conversations/${id}/cancel`)
    expect(cancelled.json).toEqual({ data: { conversation_id: id, cancelled: false } })
    const erased = await me.ask(`DELETE /conversations/${id}`)
    expect(erased.json).toEqual({ data: { conversation_id: id, erased: { conversations: 1, messages: 2 } } })
    expectProblem(await me.ask(`DELETE /conversations/${id}`), 404, 'not_found')
    expectProblem(await me.ask(`GET /conversations/${id}`), 404, 'not_found')
  })

  test('answers are streamed where the topic streams, and are plain JSON elsewhere', async () => {
    shared.model.always(says(ANSWER, { size: 8 }))
    const stream = ana.sayForEvents(await ana.start(), 'Hello')
    expect(await stream.ended).toMatchObject({ status: 200, type: 'text/event-stream; charset=utf-8' })
    expect(stream.textOf()).toBe(ANSWER)
    expect(stream.events.at(-1)).toMatchObject({ event: 'result', data: { data: { remaining_turns: 19 } } })
    expect(stream.events.filter(({ event }) => event === 'delta').length).toBeGreaterThan(2)

    await coachTopic('plain_coach', { supports_streaming: false })
    const body = { topic_id: 'plain_coach' }
    const { conversation_id: id } = dataOf<ConversationJson>(await ana.ask('POST /conversations', { body }))
    const plain = await ana.sayForEvents(id, 'Hello').ended
    expect(plain).toMatchObject({ status: 200, type: 'application/json; charset=utf-8' })
    expect(JSON.parse(plain.text)).toMatchObject({ data: { message: { content: ANSWER } } })
    expect(shared.model.chats.at(-1)?.body.stream).not.toBe(true)
  })

  test('the reader in docs/conversations.md shows the text as it comes, and gives the result', async () => {
    const page = await readFile(join(PACKAGE_ROOT, 'docs/conversations.md'), 'utf8')
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? []
    const absolute = code.replace('`/api/v1', `\`${server.url}/api/v1`)
    const say = new Function('token', `${absolute}; return say`)(tokenOf()) as (
      ...given: [id: string, content: string, key: string, onText: (text: string) => void]
    ) => Promise<{ data: { message: { content: string } }; code?: string }>
    shared.model.always(says(ANSWER, { size: 8, everyMs: 10 }))
    const shown: string[] = []
    const id = await ana.start()
    const { data } = await say(id, 'Hello', 'k', (text) => void shown.push(text))
    expect(shown.length).toBeGreaterThan(2)
    expect([shown.at(-1), data.message.content]).toEqual([ANSWER, ANSWER])
    expect(await say(id, 'Other', 'k', () => {})).toMatchObject({ code: 'conflict' })
  })

  test('a topic that is edited and deleted in mid-course changes nothing', async () => {
    const admin = tokenOf({ role: 'admin' })
    await coachTopic('passing', { supports_streaming: true, max_turns: 3 })
    const start = () => ana.ask('POST /conversations', { body: { topic_id: 'passing' } })
    const { conversation_id: id } = dataOf<ConversationJson>(await start())
    await ana.say(id, 'one')
    const text = { body: { content: 'You shout.' }, token: admin }
    expect((await api(server, 'PUT /admin/prompts/passing/system', text)).status).toBe(200)
    await ana.say(id, 'two')
    expect((await api(server, 'DELETE /admin/prompts/passing', { token: admin })).status).toBe(200)
    expect((await ana.say(id, 'three')).status).toBe(200)
    expect(shared.model.chats.map(({ body }) => body.messages[0]?.content)).toEqual(
      Array(3).fill('You coach.'),
    )
    expectProblem(await ana.say(id, 'four'), 409, 'conflict')
    expect(await ana.get(id)).toMatchObject({ status: 'completed', remaining_turns: 0 })
    expectProblem(await start(), 404, 'not_found')
  })

  test('only coaching topics have conversations, and their parameters are checked', async () => {
    const start = (body: object) => ana.ask('POST /conversations', { body })
    expectProblem(await start({ topic_id: 'revenue_salesforce' }), 400, 'invalid_input', ['topic_id'])
    expectProblem(await start({ topic_id: 'nobody' }), 404, 'not_found')
    const faulty = await start({ topic_id: 'core_values', parameters: { user_nam: 'x', user_id: 1 } })
    expectProblem(faulty, 400, 'invalid_input', [
      'parameters.user_name',
      'parameters.user_id',
      'parameters.user_nam',
    ])
  })
})

describe('whose it is', () => {
  test('nobody else finds it, and what they are told does not depend on whether it is there', async () => {
    const id = await ana.start()
    await ana.say(id, 'mine')
    const routes = [
      'GET /conversations/ID',
      'POST /conversations/ID/messages',
      'POST /conversations/ID/cancel',
      'DELETE /conversations/ID',
    ]
    const others = [
      { sub: 'bob' },
      { tenant_id: 'other' },
      { tenant_id: undefined },
      { sub: 'bob', role: 'admin' },
      { tenant_id: 'x', role: 'service' },
    ]
    for (const claims of others) {
      for (const route of routes) {
        const options = {
          token: tokenOf(claims),
          ...(route.includes('messages') && { body: { content: 'x' } }),
        }
        const ids = [id, NOBODY, 'guessed', `${id}0`, id.toUpperCase(), '..%2f..%2fx', 'x'.repeat(9_000)]
        const answers = await Promise.all(ids.map((one) => api(server, route.replace('ID', one), options)))
        for (const answer of answers) expectProblem(answer, 404, 'not_found')
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
      }
      const list = await api(server, 'GET /conversations', { token: tokenOf(claims) })
      expect(JSON.stringify(list.json.data)).not.toContain(id)
    }
    expect((await ana.get(id)).messages).toHaveLength(2)
  })

  test('keys, nobody, and tokens that name nobody have none', async () => {
    const routes = [
      'GET /conversations',
      `GET /conversations/${NOBODY}`,
      `DELETE /conversations/${NOBODY}`,
      `POST /conversations/${NOBODY}/cancel`,
    ]
    for (const route of routes) {
      expectProblem(await api(server, route, { key: server.key }), 403, 'forbidden')
      expectProblem(await api(server, route), 401, 'unauthenticated')
      expectProblem(await api(server, route, { token: tokenOf({ sub: undefined }) }), 403, 'forbidden')
    }
  })

  test('users have no other operation', async () => {
    expectProblem(await ana.ask('GET /prompts'), 403, 'forbidden')
  })
})

describe('a turn', () => {
  test('goes on when its caller is cut off, and the same key follows it from the beginning', async () => {
    shared.model.script(says(ANSWER, { size: 4, everyMs: 60 }))
    const id = await ana.start()
    const lost = ana.sayForEvents(id, 'Hello', { 'idempotency-key': 'turn-1' })
    await waitFor(() => lost.textOf().length > 4)
    lost.hangUp()
    const current = await ana.get(id)
    expect(current.running).toEqual({ turn: 1, started_at: expect.any(String) })
    expect(current.messages).toHaveLength(1)
    const found = ana.sayForEvents(id, 'Hello', { 'idempotency-key': 'turn-1' })
    await waitFor(() => found.textOf() !== '')
    expect(found.textOf().length).toBeGreaterThanOrEqual(lost.textOf().length)
    const { text } = await found.ended
    expect(found.textOf()).toBe(ANSWER)
    const again = await ana.say(id, 'Hello', { 'idempotency-key': 'turn-1' })
    expect(found.events.at(-1)?.data).toEqual(again.json)
    expect(text).toContain(again.text)
    expect(shared.model.chats.map(({ outcome }) => outcome)).toEqual(['answered'])
    expect((await ana.get(id)).messages).toHaveLength(2)
    expectProblem(await ana.say(id, 'Bye', { 'idempotency-key': 'turn-1' }), 409, 'conflict')
    for (const key of ['', 'x'.repeat(256), 'ä']) {
      const refused = await ana.say(id, 'Bye', { 'idempotency-key': Buffer.from(key).toString('latin1') })
      expectProblem(refused, 400, 'invalid_input', ['idempotency_key'])
    }
    const inBody = { body: { content: 'Bye', idempotency_key: 'k', wait: 3 } }
    const paths = ['idempotency_key', 'wait']
    expectProblem(await ana.ask(`POST /conversations/${id}/messages`, inBody), 400, 'invalid_input', paths)
  })

  test('ends by cancelling, at the model too; its message stays and is asked again', async () => {
    shared.model.script(hangs())
    const id = await ana.start()
    const stream = ana.sayForEvents(id, 'Hello')
    await waitFor(() => shared.model.chats.length === 1)
    const cancelled = await ana.ask(`POST /conversations/${id}/cancel`)
    expect(cancelled.json.data).toEqual({ conversation_id: id, cancelled: true })
    const { status, text } = await stream.ended
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 409, code: 'conflict' })
    await waitFor(() => shared.model.chats[0]?.outcome === 'abandoned')
    const { messages, running } = await ana.get(id)
    expect({ said: messages.map(({ content }) => content), running }).toEqual({
      said: ['Hello'],
      running: undefined,
    })
    expect(dataOf(await ana.say(id, 'Hello'))).toMatchObject({ message: { turn: 1 } })
    expect((await ana.get(id)).messages).toHaveLength(2)
  })

  test('refuses another message with what runs, or lets it wait', async () => {
    shared.model.script(says(ANSWER, { size: 8, everyMs: 150 }))
    const id = await ana.start()
    const first = ana.say(id, 'one')
    const { running } = await waitFor(async () => {
      const now = await ana.get(id)
      return now.running ? now : undefined
    })
    const refused = await ana.say(id, 'two')
    expectProblem(refused, 409, 'conflict')
    expect(refused.json.current).toEqual(running)
    const wait = Number(refused.headers['retry-after'])
    expect({ wait, sensible: wait >= 1 && wait <= 12 }).toEqual({ wait, sensible: true })
    const waited = await ana.say(id, 'two', { prefer: 'respond-async, wait=600' })
    expect(waited).toMatchObject({ status: 200, headers: { 'preference-applied': 'wait=30' } })
    expect((await first).status).toBe(200)
    expect((await ana.get(id)).messages.map(({ turn, content }) => [turn, content])).toEqual([
      [1, 'one'],
      [1, ANSWER],
      [2, 'two'],
      [2, ANSWER],
    ])
  })

  test.each([
    ['the limit of tokens', () => says('Half', { finish: 'length' }), 502, 'model_error'],
    ['a filter', () => says('Half', { finish: 'content_filter' }), 502, 'model_error'],
    ['nothing to say', () => says(''), 502, 'model_error'],
    ['a refusal', () => fails(404, { message: 'no such model' }), 502, 'model_error'],
  ])('that ends with %s fails honestly, and the message stays', async (_, reply, status, code) => {
    shared.model.always(reply())
    const id = await ana.start()
    expectProblem(await ana.say(id, 'Hello'), status, code)
    expect((await ana.get(id)).messages.map(({ content }) => content)).toEqual(['Hello'])
  })

  test('that failed goes before the next message, and roles alternate in what the model is sent', async () => {
    const id = await ana.start()
    await ana.say(id, 'one')
    shared.model.always(fails(400, { message: 'bad' }))
    await ana.say(id, 'two')
    await ana.say(id, 'three')
    shared.model.always(says(ANSWER))
    expect(dataOf(await ana.say(id, 'four'))).toMatchObject({ message: { turn: 4 }, remaining_turns: 16 })
    const sent = shared.model.chats.at(-1)?.body.messages.slice(1) ?? []
    expect(sent.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
    expect(sent.at(-1)?.content).toBe('two\n\nthree\n\nfour')
  })
})

describe('hostile input', () => {
  test('is refused by name and stores nothing', async () => {
    const id = await ana.start()
    const say = (body: unknown) => ana.ask(`POST /conversations/${id}/messages`, { body })
    expectProblem(await say({ content: 'x'.repeat(51_200) }), 413, 'too_large')
    expectProblem(await say({ content: `${'€'.repeat(5_461)}xx` }), 413, 'too_large')
    for (const content of ['', ' \n\t', 'a\0b', '\ud800', 1, ['x'], { a: 1 }, null]) {
      const body = content === '\ud800' ? '{"content":"\\ud800"}' : { content }
      expectProblem(await say(body), 400, 'invalid_input', ['content'])
    }
    expectProblem(await say({ content: 'x', role: 'system' }), 400, 'invalid_input', ['role'])
    expectProblem(await say('{"content":"a","content":"b"}'), 400, 'invalid_input', ['content'])
    expect((await ana.get(id)).messages).toEqual([])
    expect(shared.model.chats).toHaveLength(0)
    expect((await say({ content: `${'€'.repeat(5_461)}x` })).status).toBe(200)
    expect((await say({ content: '\u202e<script>{{user_name}}\\{{"' })).status).toBe(200)
  })

  test('100 streams at once are all answered whole', async () => {
    shared.model.always(says(ANSWER, { size: 5, everyMs: 2 }))
    const ids = await Promise.all(Array.from({ length: 96 }, () => ana.start()))
    const streams = ids.map((id) => ana.sayForEvents(id, 'Hello'))
    await Promise.all(streams.map(({ ended }) => ended))
    expect(new Set(streams.map((stream) => stream.textOf()))).toEqual(new Set([ANSWER]))
    for (const { events } of streams) expect(events.at(-1)?.event).toBe('result')
  })
})

test('nothing that is said is in logs or metrics; the audit names the conversation and the model’s use, once', async () => {
  shared.model.always(says('CANARY-ANSWER', { size: 4, everyMs: 150 }))
  const me = coachClient(server, tokenOf({ sub: 'wren' }))
  const body = { topic_id: 'core_values', parameters: { user_name: 'CANARY-VALUE' } }
  const { conversation_id: id } = dataOf<ConversationJson>(await me.ask('POST /conversations', { body }))
  const key = { 'idempotency-key': 'CANARY-KEY' }
  const first = me.say(id, 'CANARY-MESSAGE', key)
  await waitFor(async () => (await me.get(id)).running !== undefined)
  const second = await me.say(id, 'CANARY-MESSAGE', key)
  expect({ ...second.json, text: second.text }).toEqual({ ...(await first).json, text: (await first).text })
  await me.say(id, 'CANARY-OTHER', key)
  await me.ask(`POST /conversations/CANARY-ID/messages?CANARY-NAME=1`, {
    body: { content: 'CANARY-MESSAGE' },
  })
  shared.model.always(fails(404, { message: 'There is no such model.' }))
  await me.say(id, 'CANARY-MESSAGE')
  await sleep(50)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(logLeaks(metrics)).toEqual([])
  expect(logLeaks(server.stderr())).toEqual([])
  const lines = server
    .stderr()
    .split('\n')
    .filter((line) => line.includes(`"conversation_id":"${id}"`))
  const turns = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'conversations.say')
  expect(turns.map(({ outcome, attempts }) => [outcome, attempts])).toEqual([
    ['ok', 1],
    ['ok', undefined],
    ['conflict', undefined],
    ['model_error', 1],
  ])
})

test('SIGTERM ends a stream in time and gives its lease back; the turn is asked again after the restart', async () => {
  const folder = await tempFolder()
  const own = { ...shared.settings, PROMPTS_DATA_DIR: folder }
  const first = await startServer(own)
  const token = (await userTokens(folder))()
  const me = coachClient(first, token)
  const id = await me.start()
  for (const content of ['one', 'two', 'three']) expect((await me.say(id, content)).status).toBe(200)
  shared.model.script(says(ANSWER, { size: 2, everyMs: 300 }))
  const stream = me.sayForEvents(id, 'four', { 'idempotency-key': 'four' })
  await waitFor(() => stream.textOf() !== '')
  const began = performance.now()
  expect(await first.stop()).toEqual({ code: 0, signal: null })
  expect(performance.now() - began).toBeLessThan(5_000)
  await stream.ended
  expect(stream.events.at(-1)).toMatchObject({ event: 'error', data: { code: 'unavailable' } })

  const second = await startServer(own)
  const back = coachClient(second, token)
  const before = await back.get(id)
  expect({ count: before.messages.length, running: before.running }).toEqual({ count: 7, running: undefined })
  expect(dataOf(await back.say(id, 'four', { 'idempotency-key': 'four' }))).toMatchObject({
    message: { turn: 4 },
  })
  expect(dataOf(await back.say(id, 'five'))).toMatchObject({ message: { turn: 5 }, remaining_turns: 15 })
  const sent = shared.model.chats.at(-1)?.body.messages ?? []
  expect(sent).toHaveLength(10)
}, 40_000)
