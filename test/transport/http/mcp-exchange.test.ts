import { isDeepStrictEqual } from 'node:util'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { expect, test } from 'vitest'
import { normalizeMessage } from '../../../src/transport/mcp/normalize.ts'
import { createMcpServer } from '../../../src/transport/mcp/server.ts'
import { CALLER, openMcp } from '../../helpers/mcp-http.ts'
import { parameter } from '../../helpers/parameters.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

// Every request goes through `/mcp` and through the SDK's own handler over the same methods. What both answer is the
// same, except where the list of DIFFERENCES says otherwise.

const MODERN = '2026-07-28'
const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
const BOTH = 'application/json, text/event-stream'

interface Sent {
  headers: Record<string, string>
  body: string
}
interface Answer {
  status: number
  type: string
  allow?: string
  /** Parsed; of an event stream the data of its one event. */
  body: unknown
}

interface Difference {
  applies: (sent: Sent, theirs: Answer) => boolean
  /** What of their answer is different in ours. */
  ours: Partial<Answer>
  /** The sentence of the specification that allows it, or asks for it. */
  why: string
}

const DIFFERENCES: Difference[] = [
  {
    applies: (_, { type }) => type === 'text/event-stream',
    ours: { type: 'application/json' },
    why: '2025-11-25, Transports: "the server MUST either return Content-Type: text/event-stream, to initiate an SSE stream, or Content-Type: application/json, to return one JSON object"',
  },
  {
    applies: (_, { body }) => JSON.stringify(body).includes('"Invalid tools/call request'),
    ours: {
      body: {
        jsonrpc: '2.0',
        id: 1,
        error: {
          code: -32602,
          message: 'There is no tool of this name.',
          data: {
            type: 'urn:purposepath-prompts:problem:not_found',
            title: 'Not found',
            status: 404,
            detail: 'There is no tool of this name.',
            code: 'not_found',
          },
        },
      },
    },
    why: 'Tools, "Error Handling": "Protocol Errors: Standard JSON-RPC errors for issues like: Unknown tools". The text of a validator is no message.',
  },
]

/** A request as it is sent, by default a good one of its revision. */
function request(
  version: string,
  method: string,
  params: Record<string, unknown> = {},
  more: { headers?: Record<string, string | undefined>; message?: Record<string, unknown> } = {},
): Sent {
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const name = method === 'resources/read' ? params['uri'] : params['name']
  const isModern = version === MODERN
  const headers = {
    accept: BOTH,
    'content-type': 'application/json',
    'mcp-protocol-version': version,
    ...(isModern && { 'mcp-method': method, ...(typeof name === 'string' && { 'mcp-name': name }) }),
    ...more.headers,
  }
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method,
    params: isModern ? { ...params, _meta: envelope } : params,
    ...more.message,
  }
  return {
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >,
    body: JSON.stringify(message),
  }
}

const VALID: [method: string, params: Record<string, unknown>][] = [
  ['ping', {}],
  ['prompts/list', {}],
  ['prompts/get', { name: 'goals', arguments: { who: 'Ada' } }],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'prompt://goals' }],
  ['resources/read', { uri: 'prompt://goals/system' }],
  ['tools/list', {}],
  ['tools/call', { name: 'get_prompts', arguments: { topic_id: 'goals' } }],
  ['tools/call', { name: 'batch_get', arguments: { topic_ids: ['goals', 'No!'] } }],
  ['tools/call', { name: 'list_topics' }],
  ['tools/call', { name: 'list_topics', _meta: { progressToken: 7 } }],
  ['tools/call', { name: 'render_prompts', arguments: { topic_id: 'goals', parameters: { who: 'Ada' } } }],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'prompt://{topic_id}' }, argument: { name: 'topic_id', value: 'g' } },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'goals' }, argument: { name: 'who', value: '' } },
  ],
]
const REFUSED: [method: string, params: Record<string, unknown>][] = [
  ['prompts/list', { cursor: 'nonsense' }],
  ['prompts/list', { cursor: 5 }],
  ['prompts/get', {}],
  ['prompts/get', { name: 5 }],
  ['prompts/get', { name: 'nobody' }],
  ['prompts/get', { name: 'goals' }],
  ['prompts/get', { name: 'goals', arguments: { who: 5, more: 'x' } }],
  ['prompts/get', { name: 'goals', arguments: 'Ada' }],
  ['resources/read', {}],
  ['resources/read', { uri: 'prompt://nobody' }],
  ['resources/read', { uri: 'file:///etc/passwd' }],
  ['resources/subscribe', { uri: 'prompt://goals' }],
  ['tools/call', {}],
  ['tools/call', { name: 'no_such_tool' }],
  ['tools/call', { name: 'get_prompts' }],
  ['tools/call', { name: 'get_prompts', arguments: { topic_id: 'No!' } }],
  ['tools/call', { name: 'get_prompts', arguments: { __proto__: 1, constructor: 1 } }],
  ['completion/complete', {}],
  ['completion/complete', { ref: { type: 'ref/nothing' }, argument: { name: 'x', value: '' } }],
  ['logging/setLevel', { level: 'debug' }],
  ['tasks/list', {}],
  ['no/such/method', {}],
  ['constructor', {}],
  ['', {}],
]
/** Members of a message in place of the right ones. */
const MESSAGES: Record<string, unknown>[] = [
  { id: 'text' },
  { id: '' },
  { id: 0 },
  { id: -1 },
  { id: 1.5 },
  { id: null },
  { id: {} },
  { id: [] },
  { id: true },
  { id: undefined },
  { jsonrpc: '1.0' },
  { jsonrpc: undefined },
  { jsonrpc: 2 },
  { method: 5 },
  { method: undefined },
  { method: null },
  { params: null },
  { params: [] },
  { params: 'text' },
  { params: undefined },
  { more: 1 },
  { result: {} },
  { error: { code: 1, message: 'x' } },
]
const HEADERS: Record<string, string | undefined>[] = [
  { 'mcp-protocol-version': undefined },
  { 'mcp-protocol-version': '2025-11-25' },
  { 'mcp-protocol-version': '2027-01-01' },
  { 'mcp-protocol-version': 'nonsense' },
  { 'mcp-protocol-version': '' },
  { 'mcp-method': undefined },
  { 'mcp-method': 'ping' },
  { 'mcp-method': '' },
  { 'mcp-name': undefined },
  { 'mcp-name': 'vision' },
  { 'mcp-name': '' },
  { 'mcp-name': `=?base64?${Buffer.from('goals').toString('base64')}?=` },
  { 'mcp-name': '=?base64?!!!?=' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/json; charset=utf-8' },
  { 'content-type': 'application/json-patch+json' },
  { 'mcp-session-id': 'x' },
]
const ENVELOPES: unknown[] = [
  undefined,
  null,
  {},
  'text',
  { 'io.modelcontextprotocol/protocolVersion': MODERN },
  {
    'io.modelcontextprotocol/protocolVersion': '2025-11-25',
    'io.modelcontextprotocol/clientCapabilities': {},
  },
  {
    'io.modelcontextprotocol/protocolVersion': '2027-01-01',
    'io.modelcontextprotocol/clientCapabilities': {},
  },
  { 'io.modelcontextprotocol/protocolVersion': 5, 'io.modelcontextprotocol/clientCapabilities': {} },
  { 'io.modelcontextprotocol/protocolVersion': MODERN, 'io.modelcontextprotocol/clientCapabilities': 'x' },
  {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: {},
  },
  {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 'p',
  },
  {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 5 },
  },
]
const call = (id: unknown, method: string, params: object = {}) => ({ jsonrpc: '2.0', id, method, params })
const BODIES: string[] = [
  '5',
  '"text"',
  'null',
  'true',
  '{}',
  '[]',
  '[1]',
  '[null]',
  JSON.stringify([call(1, 'ping')]),
  JSON.stringify([call(1, 'ping'), call(2, 'prompts/list')]),
  JSON.stringify([call(1, 'ping'), { jsonrpc: '2.0', method: 'notifications/initialized' }]),
  JSON.stringify([call(1, 'ping'), 5]),
  JSON.stringify([{ jsonrpc: '2.0', method: 'notifications/initialized' }]),
  JSON.stringify([
    call(1, 'initialize', {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    }),
    call(2, 'ping'),
  ]),
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }),
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/nonsense', params: { a: 1 } }),
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }),
  JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } }),
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_prompts","__proto__":{"arguments":{}}}}',
  `{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}}`,
]
const HANDSHAKES = [...LEGACY, '2024-01-01', 5].map((protocolVersion) => ({
  protocolVersion,
  capabilities: {},
  clientInfo: { name: 'x', version: '1' },
}))

type Send = (sent: Sent) => Promise<Answer>

/** `/mcp`, and the SDK's handler over the same methods. */
async function openBoth(): Promise<{ ours: Send; theirs: Send }> {
  const services = await openServices()
  const who = { ...parameter('who'), required: true }
  await put(services, topicContent('goals', { system: 'Coach {{who}}.', user: 'Hello.' }, [who]))
  const { url, execute } = await openMcp(services)
  const { catalog } = services
  const handler = createMcpHandler(({ era }) =>
    createMcpServer({ execute, catalog, caller: CALLER }, era === 'legacy' ? 'none' : 'stream'),
  )
  return {
    ours: async ({ headers, body }) => read(await fetch(url, { method: 'POST', headers, body })),
    async theirs({ headers, body }) {
      const message: unknown = JSON.parse(body)
      // For us null means absent in every request (docs/specification.md, "Topic").
      normalizeMessage(message)
      return read(
        await handler.fetch(new Request(url, { method: 'POST', headers, body: JSON.stringify(message) })),
      )
    },
  }
}

async function expectSame(requests: Sent[]): Promise<void> {
  const { ours, theirs } = await openBoth()
  const unexpected: unknown[] = []
  for (const sent of requests) {
    const [mine, expected] = await Promise.all([ours(sent), theirs(sent)])
    for (const { applies, ours: changed } of DIFFERENCES) {
      if (applies(sent, expected)) Object.assign(expected, changed)
    }
    if (!isDeepStrictEqual(mine, expected)) unexpected.push({ sent, mine, expected })
  }
  expect(unexpected).toEqual([])
}

const revisions = [MODERN, ...LEGACY]
const good = { name: 'goals', arguments: { who: 'Ada' } }

test.each(revisions)('valid and refused calls of revision %s', (version) =>
  expectSame([...VALID, ...REFUSED].map(([method, params]) => request(version, method, params))),
)

test.each(revisions)('wrong messages of revision %s', (version) =>
  expectSame(MESSAGES.map((message) => request(version, 'prompts/get', good, { message }))),
)

test.each([MODERN, '2025-11-25'])('other headers in revision %s', (version) =>
  expectSame(
    HEADERS.flatMap((headers) =>
      VALID.slice(0, 8).map(([method, params]) => request(version, method, params, { headers })),
    ),
  ),
)

test('other envelopes of revision 2026-07-28', () =>
  expectSame(
    ENVELOPES.flatMap((_meta) =>
      ['prompts/list', 'tools/call', 'no/such/method'].map((method) =>
        request(
          MODERN,
          method,
          { name: 'list_topics' },
          { message: { params: { name: 'list_topics', _meta } } },
        ),
      ),
    ),
  ))

test.each(revisions)('other bodies with the header of revision %s', (version) =>
  expectSame(BODIES.map((body) => ({ ...request(version, 'ping'), body }))),
)

test('handshakes', () =>
  expectSame(
    HANDSHAKES.map((params) =>
      request('2025-11-25', 'initialize', params, { headers: { 'mcp-protocol-version': undefined } }),
    ),
  ))

async function read(answer: Response): Promise<Answer> {
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const text = await answer.text()
  const allow = answer.headers.get('allow')
  return { status: answer.status, type, ...(allow !== null && { allow }), body: bodyOf(type, text) }
}

function bodyOf(type: string, text: string): unknown {
  if (type !== 'text/event-stream') return text === '' ? '' : JSON.parse(text)
  const messages = [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data as string))
  return messages.length === 1 ? messages[0] : messages
}
