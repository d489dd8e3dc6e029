import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathsOf } from '../helpers/api.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { injectedHttp, injectedStdio } from '../helpers/injected.ts'
import { parameter } from '../helpers/parameters.ts'
import type { RpcMessage } from '../helpers/raw.ts'
import { openServices, put } from '../helpers/services.ts'
import { topicContent } from '../helpers/topics.ts'

/*
 * Clients of strict schemas and of languages with null write it for what is absent. Entry points: bodies of REST, of
 * /analyze and of the early path; runs of drafts and conversations; handshake, tools and prompts of MCP over stdio and HTTP; the command line; files of
 * the data folder, of an import and of Langfuse's export. Records in DynamoDB: test/adapters/aws/foreign-records.test.ts.
 */

const MINIMAL = {
  topic_id: 't',
  topic_name: 'T',
  topic_type: 'kpi_system',
  category: 'kpi',
  allowed_parameters: [
    { name: 'n', type: 'number', required: true },
    { name: 'o', type: 'object' },
  ],
  prompts: { user: '{{n}}|{{o}}' },
}
const PARAMETER_NULLS = { description: null, default: null, validation: null }
const NULLS = {
  ...MINIMAL,
  description: null,
  external_id: null,
  display_order: null,
  is_active: null,
  config: { default_model: null, max_tokens: null },
  allowed_parameters: [
    { name: 'n', type: 'number', required: true, ...PARAMETER_NULLS },
    { name: 'o', type: 'object', required: null, ...PARAMETER_NULLS },
  ],
  prompts: { user: '{{n}}|{{o}}', system: null },
}

const VOLATILE = /"(created|updated)_at":"[^"]+",?/g
const lasting = (value: unknown) =>
  JSON.parse(JSON.stringify(value).replace(VOLATILE, '').replaceAll(',}', '}'))

async function startRest() {
  const { rest, mcp } = await injectedHttp(await tempFolder())
  return { mcp, send: (line: string, body: unknown) => rest(line, JSON.stringify(body)) }
}

test('REST takes a topic with nulls for the same topic without', async () => {
  const [plain, nulls] = [await startRest(), await startRest()]
  const without = await plain.send('POST /admin/prompts', MINIMAL)
  const withNulls = await nulls.send('POST /admin/prompts', NULLS)
  expect(withNulls.status).toBe(201)
  expect(lasting(withNulls.json)).toEqual(lasting(without.json))
})

test('REST takes nulls for absent fields of every call, and null in free data for null', async () => {
  const { send } = await startRest()
  await send('POST /admin/prompts', {
    ...MINIMAL,
    description: 'd',
    config: { seed: null, deep: [{ a: null }] },
  })
  const unchanged = await send('PUT /admin/prompts/t', {
    topic_name: null,
    category: null,
    display_order: null,
    is_active: null,
    allowed_parameters: null,
    config: null,
    expected_revision: null,
  })
  expect(unchanged.json).toMatchObject({
    data: { description: 'd', config: { seed: null, deep: [{ a: null }] } },
    meta: { revision: 1 },
  })
  const cleared = await send('PUT /admin/prompts/t', { description: null, topic_name: null })
  expect(cleared.json.data).not.toHaveProperty('description')

  const parameters = { n: 1, o: { a: null } }
  const rendered = await send('POST /prompts/t/render', { parameters })
  expect(rendered.json.data).toMatchObject({ prompts: { user: '1|{"a":null}' } })
  const without = await send('POST /prompts/t/render', { parameters: { n: 1, o: null } })
  expect(without.json.data).toMatchObject({ prompts: { user: '1|' } })
  const draft = await send('POST /admin/prompts/t/user/preview', { content: 'x{{n}}', parameters: null })
  expect(draft.json.data).toEqual({ valid: true, errors: [], warnings: expect.any(Array) })
  const edited = await send('PUT /admin/prompts/t/user', { content: 'x{{n}}{{o}}', expected_revision: null })
  expect(edited.status).toBe(200)
  const early = { kpiId: 'a', systemId: 'b', displayName: 'c', description: null, modelConfig: null }
  const template = {
    ...early,
    systemPrompt: null,
    parameters: [{ name: 'n', dataType: 'number', defaultValue: null }],
  }
  expect((await send('POST /admin/kpi-system/templates', template)).status).toBe(201)
})

test('REST takes nulls for absent fields of runs and conversations, and null for an absent body', async () => {
  const { send } = await startRest()
  await send('POST /admin/prompts', MINIMAL)
  const draft = { prompts: { user: 'x{{n}}', system: null }, message: null, turns: null }
  const run = await send('POST /admin/prompts/t/run', { ...draft, parameters: { n: 1, o: null } })
  expect(run.json).toMatchObject({ code: 'model_not_configured' })
  const parameters = { user_name: 'Ana', user_id: null, tenant_id: null, conversation_history: null }
  const started = await send('POST /conversations', { topic_id: 'goals', parameters })
  expect(started.json).toMatchObject({ code: 'model_not_configured' })
  const cancelled = await send('POST /conversations/01a222fa-5c64-7568-a24f-bedfe35752c1/cancel', null)
  expect(cancelled.json).toMatchObject({ code: 'not_found' })
})

test('REST names what is required, and nulls where there is no member', async () => {
  const { send } = await startRest()
  await send('POST /admin/prompts', MINIMAL)
  for (const [line, body, paths] of [
    ['POST /admin/prompts', { ...MINIMAL, topic_id: 'u', topic_name: null, config: null }, ['topic_name']],
    [
      'POST /admin/prompts',
      { ...MINIMAL, topic_id: 'u', allowed_parameters: [null] },
      ['allowed_parameters.0'],
    ],
    ['POST /admin/prompts', { ...MINIMAL, topic_id: 'u', prompts: { 'No!': null } }, ['prompts.No!']],
    ['PUT /admin/prompts/t', { nonsense: null }, ['nonsense']],
    ['PUT /admin/prompts/t/user', { content: null }, ['content']],
    ['POST /admin/prompts/t/user/restore', { version_id: null }, ['version_id']],
    ['POST /prompts/t/render', { parameters: null }, ['parameters.n']],
    [
      'POST /prompts/t/render',
      { parameters: { n: null, other: null } },
      ['parameters.n', 'parameters.other'],
    ],
    ['POST /prompts/t/render', null, ['parameters.n']],
    ['POST /conversations', { topic_id: null, parameters: null }, ['topic_id']],
    ['POST /prompts/t/analyze', { n: null }, ['n']],
    ['POST /prompts/t/analyze', null, ['n']],
    ['POST /prompts/batch', { topic_ids: null }, ['topic_ids']],
    ['POST /prompts/batch', { topic_ids: ['t', null] }, ['topic_ids.1']],
  ] as const) {
    const { status, json } = await send(line, body)
    expect({ line, body, status, paths: pathsOf(json) }).toEqual({ line, body, status: 400, paths })
  }
})

const request = (method: string, params: unknown) => ({ jsonrpc: '2.0', id: 1, method, params })
const INITIALIZE = {
  protocolVersion: '2025-06-18',
  capabilities: { roots: null, sampling: null, elicitation: null, experimental: null },
  clientInfo: { name: 'strict', version: '1', title: null },
  _meta: null,
}
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'strict', version: '1', title: null },
  'io.modelcontextprotocol/clientCapabilities': { roots: null },
}
const LIST = {
  topic_type: null,
  category: null,
  is_active: null,
  deleted: null,
  q: null,
  cursor: null,
  limit: null,
}

test('MCP takes nulls for absent members of every request, over stdio and HTTP', async () => {
  const services = await openServices()
  const parameters = [parameter('n', 'number', { required: true }), parameter('o', 'object')]
  await put(services, topicContent('t', { user: '{{n}}|{{o}}' }, parameters))
  const { mcp, send: rest } = await startRest()
  await rest('POST /admin/prompts', MINIMAL)
  for (const [way, ask] of [
    ['stdio', injectedStdio(services)],
    ['HTTP', mcp],
  ] as const) {
    const send = async (method: string, params: unknown) => ask(JSON.stringify(request(method, params)))
    const input = { topic_id: 't', parameters: { n: 1, o: null } }
    for (const [method, params, answer] of [
      ['initialize', INITIALIZE, { protocolVersion: '2025-06-18' }],
      ['ping', null, {}],
      ['ping', { _meta: null }, {}],
      ['tools/list', { cursor: null }, { tools: expect.any(Array) }],
      ['prompts/list', { cursor: null }, { prompts: expect.any(Array) }],
      ['resources/list', { cursor: null, _meta: { progressToken: null } }, { resources: expect.any(Array) }],
      ['tools/call', { name: 'list_topics', arguments: null }, { structuredContent: expect.anything() }],
      ['tools/call', { name: 'list_topics', arguments: LIST }, { structuredContent: expect.anything() }],
      [
        'tools/call',
        { name: 'render_prompts', arguments: input },
        { structuredContent: { data: { prompts: { user: '1|' } } } },
      ],
      [
        'tools/call',
        { name: 'run_draft', arguments: { ...input, prompts: {}, message: null, turns: null } },
        { isError: true, _meta: { code: 'model_not_configured' } },
      ],
      [
        'prompts/get',
        { name: 't', arguments: { n: '1', o: null } },
        { messages: [{ content: { text: '1|' } }] },
      ],
      [
        'completion/complete',
        {
          ref: { type: 'ref/prompt', name: 't', title: null },
          argument: { name: 'n', value: '' },
          context: null,
        },
        { completion: { total: 0 } },
      ],
    ] as const) {
      const { result, error } = await send(method, params)
      expect({ way, method, params, error, result }).toMatchObject({ way, method, params, result: answer })
    }
    const { error } = await send('prompts/get', { name: 't', arguments: null })
    expect(error).toMatchObject({ code: -32602, data: { code: 'invalid_input', errors: [{ path: 'n' }] } })
  }
  const line = JSON.stringify(request('server/discover', { _meta: ENVELOPE }))
  expect((await injectedStdio(services)(line)).result).toMatchObject({ supportedVersions: ['2026-07-28'] })
})

test('faulty arguments of a tool are results, faulty requests problem documents, over stdio and HTTP', async () => {
  const services = await openServices()
  const { mcp } = await startRest()
  for (const ask of [injectedStdio(services), mcp]) {
    const send = async (method: string, params: unknown) => ask(JSON.stringify(request(method, params)))
    const problemIn = ({ result }: RpcMessage) =>
      JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? '')
    await send('initialize', INITIALIZE)
    for (const wrong of ['text', [], [1], 7, true]) {
      const answer = await send('tools/call', { name: 'list_topics', arguments: wrong })
      expect(answer.result).toMatchObject({ isError: true, _meta: { code: 'invalid_input' } })
      expect(problemIn(answer)).toMatchObject({ detail: 'arguments: expected an object.' })
    }
    for (const [method, params, paths] of [
      ['prompts/get', { name: 'goals', arguments: 'text' }, ['arguments']],
      ['prompts/list', { cursor: 7 }, ['cursor']],
      [
        'initialize',
        { ...INITIALIZE, capabilities: 7, clientInfo: { name: 7 } },
        ['capabilities', 'clientInfo.name', 'clientInfo.version'],
      ],
      ['initialize', { ...INITIALIZE, capabilities: { roots: 7 } }, []],
    ] as const) {
      const { error } = await send(method, params)
      expect({ method, error, paths: pathsOf(error?.data ?? {}) }).toMatchObject({
        method,
        error: { code: -32602, data: { code: 'invalid_input' } },
        paths,
      })
      expect(error?.message).not.toContain('Invalid input')
    }
  }
})

test('the command line takes null for absent', async () => {
  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  const run = async (...words: string[]) =>
    JSON.parse((await runCommand([...words, '--json'], settings)).stdout)
  const topic = ['--topic-id', 't', '--topic-name', 'T', '--topic-type', 'kpi_system', '--category', 'kpi']
  const parameters = JSON.stringify(NULLS.allowed_parameters)
  const created = await run(
    'topics',
    'create',
    ...topic,
    '--allowed-parameters',
    parameters,
    '--prompts',
    JSON.stringify(NULLS.prompts),
    '--config',
    'null',
  )
  expect(created.data).toMatchObject({ allowed_parameters: [{ name: 'n' }, { required: false }], config: {} })
  const rendered = await run('prompts', 'render', 't', '--parameters', '{"n": 1, "o": null}')
  expect(rendered.data.prompts).toEqual({ user: '1|' })
})

test('files take null for absent, in the data folder and in an import', async () => {
  const [folder, source] = [await tempFolder(), await tempFolder()]
  const { prompts, ...definition } = NULLS
  for (const place of [folder, source]) {
    await mkdir(join(place, 'topics'))
    await writeFile(join(place, 'topics', 't.json'), JSON.stringify(definition))
  }
  const bundle = join(source, 'all.json')
  await writeFile(bundle, JSON.stringify({ topics: [{ ...definition, prompts }] }))
  const get = async (settings: { PROMPTS_DATA_DIR: string }) =>
    JSON.parse((await runCommand(['topics', 'get', 't', '--json'], settings)).stdout).data
  const plain = { config: {}, display_order: 100, allowed_parameters: MINIMAL.allowed_parameters }
  const wanted = {
    ...plain,
    allowed_parameters: [
      MINIMAL.allowed_parameters[0],
      { ...MINIMAL.allowed_parameters[1], required: false },
    ],
  }
  expect(await get({ PROMPTS_DATA_DIR: folder })).toMatchObject(wanted)
  for (const path of [source, bundle]) {
    const settings = { PROMPTS_DATA_DIR: await tempFolder() }
    expect((await runCommand(['import', path], settings)).code).toBe(0)
    const topic = await get(settings)
    expect(topic).toMatchObject(wanted)
    expect(topic).not.toHaveProperty('description')
    expect((await runCommand(['check', path], settings)).code).toBe(0)
  }
  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  await writeFile(
    bundle,
    '[{"name":"t","prompt":"x","labels":null,"tags":null,"config":null,"version":null}]',
  )
  expect((await runCommand(['import', bundle], settings)).code).toBe(0)
  expect(await get(settings)).toMatchObject({ config: {} })
})
