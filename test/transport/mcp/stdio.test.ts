import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writeTopic } from '../../helpers/data-folder.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { waitFor } from '../../helpers/program.ts'
import { initialize, messagesIn, postMcp, type RawStdio, rpcIn, startStdio } from '../../helpers/raw.ts'
import { sharedServer } from '../../helpers/shared.ts'
import { topicContent } from '../../helpers/topics.ts'

const MEBIBYTE = 1024 * 1024

/** Starts the program on `folder` and opens a 2025-era connection. */
async function open(folder?: string): Promise<RawStdio> {
  const stdio = startStdio({ PROMPTS_DATA_DIR: folder ?? (await tempFolder()) })
  stdio.send(initialize())
  await stdio.answer(0)
  stdio.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return stdio
}

function call(id: unknown, method: string, params?: unknown) {
  return { jsonrpc: '2.0', id, method, params }
}

/** Proves that the connection still works. */
async function expectAlive(stdio: RawStdio, id: string): Promise<void> {
  stdio.send(call(id, 'prompts/list'))
  expect((await stdio.answer(id)).result).toHaveProperty('prompts')
}

/** Answers to what could not be read have no id of their own. */
function refusals(stdio: RawStdio) {
  return messagesIn(stdio.stdout()).filter(({ id, error }) => id === null && error)
}

describe('stdout', () => {
  test('carries nothing but JSON-RPC, whatever happens', async () => {
    const folder = await tempFolder()
    await mkdir(join(folder, 'topics'), { recursive: true })
    await writeFile(join(folder, 'topics/no_json.json'), 'this is no JSON')
    await writeTopic(folder, topicContent('undeclared', { user: '{{nobody_declared_this}}' }))
    await writeTopic(folder, topicContent('sound', { user: 'Hello\u2028.' }))
    const stdio = await open(folder)
    stdio.send(call(1, 'prompts/list'))
    expect((await stdio.answer(1)).result).toMatchObject({ prompts: [{ name: 'sound' }] })
    stdio.send(call(2, 'prompts/get', { name: 'undeclared' }))
    expect((await stdio.answer(2)).error?.code).toBe(-32602)
    stdio.send(call(3, 'tools/call', { name: 'get_prompts', arguments: { topic_id: 5 } }))
    expect((await stdio.answer(3)).result).toMatchObject({ isError: true })
    stdio.send(call(4, 'prompts/get', { name: 'sound' }))
    expect((await stdio.answer(4)).result).toMatchObject({
      messages: [{ content: { text: 'Hello\u2028.' } }],
    })
    expect(stdio.stdout()).not.toContain('\u2028')
    stdio.write('no JSON\n')
    await appendFile(join(folder, 'prompts/sound/user.md'), '{{nor_this}}')
    await waitFor(() => stdio.stderr().includes('topic sound is invalid'))
    await expectAlive(stdio, 'last')
    stdio.process.kill('SIGTERM')
    await stdio.ended
    const messages = messagesIn(stdio.stdout())
    expect(stdio.stdout().endsWith('}\n')).toBe(true)
    expect(messages.length).toBeGreaterThanOrEqual(6)
    for (const message of messages) expect(message).toMatchObject({ jsonrpc: '2.0' })
    for (const name of ['no_json', 'undeclared']) expect(stdio.stderr()).toContain(`topic ${name} is invalid`)
  })
})

describe('what is no request', () => {
  test('broken JSON is answered with −32700 and costs one line', async () => {
    const stdio = await open()
    stdio.write('{"jsonrpc": "2.0", "id": 1,\n')
    stdio.write('\n \n')
    await expectAlive(stdio, 'after')
    expect(refusals(stdio)).toEqual([
      { jsonrpc: '2.0', id: null, error: { code: -32700, message: expect.any(String) } },
    ])
  })

  test('JSON that is no message is answered with −32600, each time', async () => {
    const stdio = await open()
    const lines = [
      '42',
      '"text"',
      'null',
      '[]',
      '{}',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}',
      '{"jsonrpc":"2.0"}',
    ]
    for (const [index, line] of lines.entries()) {
      stdio.write(`${line}\n`)
      await expectAlive(stdio, `after ${line}`)
      const told = refusals(stdio)
      expect({ line, count: told.length }).toEqual({ line, count: index + 1 })
      expect({ line, ...told.at(-1) }).toMatchObject({ line, jsonrpc: '2.0', error: { code: -32600 } })
    }
  })

  test('a request of another JSON-RPC version is refused under its own id', async () => {
    const stdio = await open()
    stdio.send({ jsonrpc: '1.0', id: 7, method: 'ping' })
    expect((await stdio.answer(7)).error?.code).toBe(-32600)
    await expectAlive(stdio, 'after')
  })

  test('an unknown method is answered with −32601', async () => {
    const stdio = await open()
    stdio.send(call(1, 'prompts/burn', {}))
    expect((await stdio.answer(1)).error?.code).toBe(-32601)
    stdio.send({ jsonrpc: '2.0', method: 'notifications/nobody_knows' })
    await expectAlive(stdio, 'after')
  })

  test('params of the wrong shape are invalid input, not a fault of the server', async () => {
    const stdio = await open()
    for (const [method, params] of [
      ['prompts/get', { name: 5 }],
      ['prompts/get', { name: 'revenue_salesforce', arguments: { kpi_value: 95000 } }],
      ['prompts/get', {}],
      ['prompts/list', { cursor: 5 }],
      ['resources/read', {}],
    ] as const) {
      const id = `${method} ${JSON.stringify(params)}`
      stdio.send(call(id, method, params))
      expect({ id, code: (await stdio.answer(id)).error?.code }).toEqual({ id, code: -32602 })
    }
  })

  test('bytes that are not UTF-8 are refused, never replaced', async () => {
    const stdio = await open()
    const [before, after] = JSON.stringify(
      call(1, 'prompts/get', { name: 'goals', arguments: { user_name: '|' } }),
    ).split('|')
    stdio.write(Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xff]), Buffer.from(`${after}\n`)]))
    const answers = () => messagesIn(stdio.stdout()).filter(({ id }) => id === 1 || id === null)
    await waitFor(() => answers().length > 0)
    expect(answers()).toMatchObject([{ id: null, error: { code: -32700 } }])
    await expectAlive(stdio, 'after')
  })

  test('JSON nested 100,000 deep is refused, and the connection lives on', async () => {
    const stdio = await open()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const params = `{"name":"render_prompts","arguments":{"topic_id":"goals","parameters":{"user_name":${deep}}}}`
    stdio.write(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}\n`)
    await expectAlive(stdio, 'after')
    const answer = messagesIn(stdio.stdout()).find(({ id }) => id === 1 || id === null)
    expect(answer?.error?.code ?? answer?.result?.['_meta']).toSatisfy(
      (outcome) => outcome === -32600 || outcome === -32602 || outcome?.code === 'too_large',
    )
  })
})

describe('large messages', () => {
  test('an argument of 10 MB is too large for a prompt, and the connection lives on', async () => {
    const folder = await tempFolder()
    const parameters = [{ name: 'text', type: 'string' as const, required: true }]
    await writeTopic(folder, topicContent('echo', { user: '{{text}}' }, parameters))
    const stdio = await open(folder)
    const text = 'x'.repeat(10_000_000)
    stdio.send(call(1, 'prompts/get', { name: 'echo', arguments: { text } }))
    expect((await stdio.answer(1)).error).toMatchObject({
      code: -32602,
      data: { code: 'too_large', status: 413 },
    })
    const tool = { name: 'render_prompts', arguments: { topic_id: 'echo', parameters: { text } } }
    stdio.send(call(2, 'tools/call', tool))
    expect((await stdio.answer(2)).result).toMatchObject({ isError: true, _meta: { code: 'too_large' } })
    await expectAlive(stdio, 'after')
  })

  test('a line of 40 MB is refused, and the connection lives on', async () => {
    const stdio = await open()
    stdio.write(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"`)
    for (let part = 0; part < 40; part++) stdio.write(Buffer.alloc(MEBIBYTE, 'x'))
    stdio.write('"}}\n')
    await waitFor(() => refusals(stdio).length > 0)
    await expectAlive(stdio, 'after')
    expect(refusals(stdio)).toMatchObject([{ id: null, error: { code: -32600 } }])
  })

  test('messages may come in pieces, or many at once', async () => {
    const stdio = await open()
    const bytes = Buffer.from(`${JSON.stringify(call('gänsefüßchen „😀“', 'prompts/list'))}\r\n`)
    for (let at = 0; at < bytes.length; at++) {
      stdio.write(bytes.subarray(at, at + 1))
      await new Promise(setImmediate)
    }
    expect((await stdio.answer('gänsefüßchen „😀“')).result).toHaveProperty('prompts')
    const ids = Array.from({ length: 50 }, (_, number) => `many ${number}`)
    stdio.write(ids.map((id) => `${JSON.stringify(call(id, 'ping'))}\n`).join(''))
    for (const id of ids) expect((await stdio.answer(id)).result).toEqual({})
  })
})

describe('the end', () => {
  test('the program ends with code 0 when the client closes stdin', async () => {
    const stdio = await open()
    stdio.send(call('last', 'prompts/list'))
    await stdio.answer('last')
    const startedAt = Date.now()
    stdio.process.stdin?.end()
    expect(await stdio.ended).toEqual({ code: 0, signal: null })
    expect(Date.now() - startedAt).toBeLessThan(1_500)
  })

  test('the program ends with code 0 when stdin is empty from the start', async () => {
    const stdio = startStdio({ PROMPTS_DATA_DIR: await tempFolder() })
    stdio.process.stdin?.end()
    expect(await stdio.ended).toEqual({ code: 0, signal: null })
    expect(stdio.stdout()).toBe('')
  })

  test('requests that were sent before stdin closed are answered', async () => {
    const stdio = startStdio({ PROMPTS_DATA_DIR: await tempFolder() })
    const requests = [initialize(), call(1, 'prompts/list'), call(2, 'prompts/get', { name: 'goals' })]
    stdio.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(''))
    stdio.process.stdin?.end()
    await stdio.ended
    expect(messagesIn(stdio.stdout()).map(({ id }) => id)).toEqual([0, 1, 2])
  })

  test.each(['\n', ''])(
    'an edit that a pipe carries is answered before the end (last line ends with %j)',
    async (end) => {
      const folder = await tempFolder()
      const stdio = startStdio({ PROMPTS_DATA_DIR: folder })
      const edit = {
        name: 'update_prompt',
        arguments: { topic_id: 'goals', prompt_type: 'user', content: 'Piped {{user_name}}' },
      }
      const requests = [initialize(), call(1, 'tools/call', edit)]
      stdio.write(requests.map((request) => JSON.stringify(request)).join('\n') + end)
      stdio.process.stdin?.end()
      expect(await stdio.ended).toEqual({ code: 0, signal: null })
      expect(messagesIn(stdio.stdout())).toMatchObject([
        { id: 0, result: expect.anything() },
        { id: 1, result: { structuredContent: { data: { content: 'Piped {{user_name}}' } } } },
      ])
      expect(await readFile(join(folder, 'prompts/goals/user.md'), 'utf8')).toBe('Piped {{user_name}}')
    },
  )

  test('an open subscription and a cancelled request hold no end up', async () => {
    const stdio = await open()
    stdio.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 77 } })
    stdio.send(call('listen', 'subscriptions/listen', { promptsListChanged: true }))
    stdio.process.stdin?.end()
    expect(await stdio.ended).toEqual({ code: 0, signal: null })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends the program within three seconds', async (signal) => {
    const stdio = await open()
    const startedAt = Date.now()
    stdio.process.kill(signal)
    expect(await stdio.ended).toEqual({ code: 0, signal: null })
    expect(Date.now() - startedAt).toBeLessThan(3_000)
  })
})

const server = sharedServer()
test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
  'speaks revision %s when a client opens with it',
  async (version) => {
    const stdio = startStdio({ PROMPTS_DATA_DIR: await tempFolder() })
    stdio.send(initialize(version))
    expect((await stdio.answer(0)).result).toMatchObject({ protocolVersion: version })
    const answer = await postMcp(server, initialize(version))
    expect(rpcIn(answer)).toMatchObject([{ id: 0, result: { protocolVersion: version } }])
  },
)
