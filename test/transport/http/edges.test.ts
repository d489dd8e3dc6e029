import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InjectOptions } from 'fastify'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../../src/adapters/telemetry/log.ts'
import { loadConfig } from '../../../src/config.ts'
import { buildHttpApp } from '../../../src/http-app.ts'
import { respondWithFetch } from '../../../src/transport/http/mcp/fetch-adapter.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { PACKAGE_ROOT } from '../../helpers/program.ts'

const HOST = '127.0.0.1'
const FAR = '192.0.2.7'

async function open(settings: Record<string, string> = {}, folder?: string) {
  const config = loadConfig({ PROMPTS_DATA_DIR: folder ?? (await tempFolder()), ...settings })
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  const http = await buildHttpApp(config, { log, packageRoot: PACKAGE_ROOT })
  const { key } = await http.keys.create('edges')
  return { ...http, key, lines, ask: (options: InjectOptions) => http.app.inject(options) }
}

let shared: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purposepath-'))
  shared = await open({ PROMPTS_LIMIT_AUTH_FAILURES: '1000' }, folder)
  return async () => {
    await shared.close()
    await rm(folder, { recursive: true })
  }
})

const LIST = { jsonrpc: '2.0', id: 7, method: 'tools/list' }
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

function post(accept: string | undefined, payload: object, headers: Record<string, string> = {}) {
  const sent = { host: HOST, 'x-api-key': shared.key, 'content-type': 'application/json', ...headers }
  return shared.ask({
    method: 'POST',
    url: '/mcp',
    headers: { ...sent, ...(accept !== undefined && { accept }) },
    payload,
  })
}

test.each([
  ['*/*', 'application/json'],
  ['APPLICATION/JSON, Text/Event-Stream', 'application/json'],
  ['application/*, text/*;q=0.1', 'application/json'],
  ['text/event-stream', 'text/event-stream'],
  ['application/json', 'application/json'],
  ['*/*, text/event-stream;q=0', 'application/json'],
])('POST /mcp of a 2025-era client that accepts %s is answered as %s', async (accept, type) => {
  const { statusCode, headers, body } = await post(accept, LIST)
  expect({ statusCode, type: headers['content-type'] }).toEqual({ statusCode: 200, type })
  const text = type === 'application/json' ? body : (/^data: (.*)$/m.exec(body)?.[1] ?? '')
  expect(JSON.parse(text)).toMatchObject({ id: 7, result: { tools: expect.any(Array) } })
})

test('a batch is answered as a list of JSON, and what cannot be read is 406', async () => {
  const batch = await post('application/json', [LIST, { ...LIST, id: 8 }])
  expect((batch.json() as { id: number }[]).map(({ id }) => id).sort()).toEqual([7, 8])
  expect((await post('text/html', LIST)).statusCode).toBe(406)
})

test.each([
  ['application/json', 'application/json'],
  ['*/*', 'application/json'],
  ['text/event-stream', 'text/event-stream'],
])('POST /mcp of a 2026-07-28 client that accepts %s is answered as %s', async (accept, type) => {
  const payload = { ...LIST, params: { _meta: META } }
  const sent = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
  const { statusCode, headers, body } = await post(accept, payload, sent)
  expect({ statusCode, type: headers['content-type'] }, body).toEqual({ statusCode: 200, type })
})

test.each(['Bearer', 'Basic', 'ApiKey'])(
  'a key sent as %s is told where keys go, valid or not',
  async (scheme) => {
    for (const url of ['/api/v1/prompts/goals', '/mcp']) {
      const answers = []
      for (const key of [shared.key, `${shared.key.slice(0, -4)}0000`]) {
        const value = scheme === 'Basic' ? Buffer.from(`api:${key}`).toString('base64') : key
        const headers = { host: HOST, authorization: `${scheme} ${value}` }
        answers.push(await shared.ask({ method: url === '/mcp' ? 'POST' : 'GET', url, headers }))
      }
      for (const { statusCode, body } of answers) {
        expect(statusCode).toBe(401)
        expect(body).toContain('X-Api-Key')
        expect(body).toBe(answers[0]?.body)
      }
    }
  },
)

test('a key sent as a token counts as a failed authentication', async () => {
  const { key, ask, close } = await open({ PROMPTS_LIMIT_AUTH_FAILURES: '1' })
  onTestFinished(close)
  const headers = { host: HOST, authorization: `Bearer ${key}` }
  expect((await ask({ url: '/api/v1/prompts/goals', headers })).statusCode).toBe(401)
  expect((await ask({ url: '/api/v1/prompts/goals', headers })).statusCode).toBe(429)
})

test.each([
  ['by address with a key', FAR, '10.1.2.3:3000', 'right', 200],
  ['by address with a wrong key', FAR, '10.1.2.3:3000', 'wrong', 401],
  ['by address without a key', FAR, '10.1.2.3:3000', 'none', 403],
  ['by its name without a key', FAR, HOST, 'none', 401],
  ['from this machine without a key', HOST, HOST, 'none', 200],
  ['from this machine under another name without a key', HOST, 'evil.example', 'none', 403],
  ['from this machine under another name with a wrong key', HOST, 'evil.example', 'wrong', 401],
  ['from this machine under another name with a key', HOST, 'evil.example', 'right', 200],
  ['with a key and a Host that is no name', FAR, 'a"b', 'right', 403],
])('/metrics %s', async (_, remoteAddress, host, which, status) => {
  const key = { right: shared.key, wrong: 'wrong', none: undefined }[which]
  const headers = { host, ...(key !== undefined && { 'x-api-key': key }) }
  expect((await shared.ask({ url: '/metrics', remoteAddress, headers })).statusCode).toBe(status)
})

test.each([
  ['2', 'api.example.com, edge.internal', 'https, http', undefined, 200],
  ['2', 'evil.example, api.example.com, edge.internal', 'http, https, http', undefined, 200],
  ['2', 'api.example.com, evil.example, edge.internal', 'https, http', undefined, 403],
  ['2', 'api.example.com', 'https', undefined, 200],
  ['1', 'evil.example, api.example.com', 'http, https', undefined, 200],
  [
    '127.0.0.1, 10.0.0.2',
    'evil.example, api.example.com, edge.internal',
    'https, http',
    '192.0.2.1, 10.0.0.2',
    200,
  ],
  ['127.0.0.1', 'api.example.com, edge.internal', 'https, http', '192.0.2.1, 10.0.0.2', 403],
])(
  'behind the proxies %s the forwarded host of %j is read from the right',
  async (proxies, host, proto, xff, status) => {
    const { ask, close } = await open({
      PROMPTS_TRUST_PROXY: proxies,
      PROMPTS_ALLOWED_HOSTS: 'api.example.com',
    })
    onTestFinished(close)
    const headers = {
      host: 'backend.internal',
      'x-forwarded-host': host,
      'x-forwarded-proto': proto,
      ...(xff !== undefined && { 'x-forwarded-for': xff }),
    }
    const { statusCode, body } = await ask({ url: '/.well-known/oauth-protected-resource', headers })
    expect(statusCode, body).toBe(status)
    if (status === 200) expect(JSON.parse(body)).toMatchObject({ resource: 'https://api.example.com/mcp' })
  },
)

const EVENTS = { 'content-type': 'text/event-stream' }

/** A server whose one call takes a while, and what a client that accepts `accept` reads of it. */
async function readSlowCall(
  accept: string,
  respond = () => Response.json({ jsonrpc: '2.0', id: 1, result: {} }),
) {
  const handler = async () => {
    await sleep(120)
    return respond()
  }
  const options = { signal: new AbortController().signal, isBatch: false }
  const server = createServer((message, reply) => void respondWithFetch(handler, message, reply, options, 25))
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://${HOST}:${port}`, { headers: { accept } })
  return { type: answer.headers.get('content-type'), text: await answer.text() }
}

test('a call that takes long sends comments to a client that accepts a stream', async () => {
  const { type, text } = await readSlowCall('application/json, text/event-stream')
  expect(type).toBe('text/event-stream')
  expect(text).toMatch(
    /^(: still at work\n\n)+event: message\ndata: \{"jsonrpc":"2.0","id":1,"result":\{\}\}\n\n$/,
  )
})

test.each([
  ['one answer', () => Response.json({ text: 'a\u2028b\u0085c' })],
  [
    'a stream',
    () => new Response('event: message\ndata: {"text":"a\u2028b\u0085c"}\n\n', { headers: EVENTS }),
  ],
])('characters at which readers of events may end a line are escaped, in %s', async (_, respond) => {
  const { text } = await readSlowCall('text/event-stream', respond)
  expect(text).toMatch(/event: message\ndata: \{"text":"a\\u2028b\\u0085c"\}\n\n$/)
})

test('a call that takes long is plain JSON for a client that accepts nothing else', async () => {
  const { type, text } = await readSlowCall('application/json')
  expect(type).toBe('application/json')
  expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
})
