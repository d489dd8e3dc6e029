import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { api, tokenOf } from '../helpers/api.ts'
import { shared } from '../helpers/at-end.ts'
import { connect } from '../helpers/clients.ts'
import { tempFolder } from '../helpers/folders.ts'
import { MODEL_SERVERS } from '../helpers/models.ts'
import { type Environment, runProgram, startServer, waitFor } from '../helpers/program.ts'
import { initialize, postMcp, startStdio } from '../helpers/raw.ts'
import { sharedServer } from '../helpers/shared.ts'
import { type ReceivedSpan, startOtlp } from '../stand-ins/otlp.ts'

const otlp = shared(async (atEnd) => {
  const otlp = await startOtlp()
  atEnd(() => otlp.stop())
  return otlp
})
const model = shared(MODEL_SERVERS['OpenAI-compatible'] as (typeof MODEL_SERVERS)[string])
const server = sharedServer(() => ({
  ...model.settings,
  OTEL_EXPORTER_OTLP_ENDPOINT: `${otlp.url}/`,
  PROMPTS_EMF: 'true',
  PROMPTS_LOG_LEVEL: 'debug',
}))

let last = 0
/** A `traceparent` that no other test uses, with its parts. */
function freshTrace(sampled = true) {
  last++
  const traceId = `4bf92f3577b34da6a3ce929d${String(last).padStart(8, '0')}`
  const spanId = `00f067aa${String(last).padStart(8, '0')}`
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-0${sampled ? 1 : 0}` }
}
type Trace = ReturnType<typeof freshTrace>

/** The spans of a trace, once there are `count`. */
function spansOf({ traceId }: Pick<Trace, 'traceId'>, count = 1): Promise<ReceivedSpan[]> {
  return waitFor<ReceivedSpan[] | undefined>(() => {
    const spans = otlp.spans().filter((span) => span.traceId === traceId)
    return spans.length >= count ? spans : undefined
  })
}

/** Asks an MCP method over HTTP. */
async function ask(method: string, params: object, headers: Record<string, string> = {}, id: unknown = 7) {
  return postMcp(
    server,
    { jsonrpc: '2.0', id, method, params },
    { 'mcp-protocol-version': '2025-06-18', ...headers },
  )
}

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e'
const RENDER = { parameters: { user_name: 'CANARY-VALUE' } }
const ANALYSE = {
  parameters: { kpi_value: 95_000, threshold: 100_000, time_period: 'CANARY-VALUE' },
}

it('one span for an operation over REST, below that of its caller', async () => {
  const trace = freshTrace()
  const before = Date.now()
  const headers = { traceparent: trace.traceparent }
  await api(server, 'GET /prompts/vision', { key: server.key, headers })
  const [span, ...others] = await spansOf(trace)
  expect(others).toEqual([])
  expect(span).toMatchObject({
    parentSpanId: trace.spanId,
    name: 'prompts.fetch',
    kind: 'server',
    isError: false,
    links: [],
  })
  expect(span?.attributes).toEqual({
    'prompts.operation': 'prompts.fetch',
    'prompts.outcome': 'ok',
    'prompts.request_id': expect.stringMatching(/^[0-9a-f]{16}-\d+$/),
    'gen_ai.prompt.name': 'vision',
    'gen_ai.prompt.version': '1',
  })
  expect(span?.startMs).toBeGreaterThan(before - 1_000)
  expect(span?.endMs).toBeGreaterThan(span?.startMs ?? Infinity)
  expect(otlp.resources()[0]).toEqual({
    'service.name': 'purposepath-prompts',
    'service.version': expect.stringMatching(/^\d/),
    'deployment.environment.name': 'dev',
  })
})

it("a request's fault is its caller's: the code is told, and nothing is an error of the server", async () => {
  const trace = freshTrace()
  const headers = { traceparent: trace.traceparent }
  await api(server, 'GET /prompts/nobody', { key: server.key, headers })
  const [span] = await spansOf(trace)
  expect(span?.attributes).toMatchObject({ 'prompts.outcome': 'not_found', 'error.type': 'not_found' })
  expect(span?.isError).toBe(false)
})

describe('over MCP', () => {
  it('a span is below the message, and linked to the HTTP request', async () => {
    const [trace, http] = [freshTrace(), freshTrace()]
    const params = { name: 'vision', arguments: { user_name: 'CANARY-VALUE' }, _meta: trace }
    await ask('prompts/get', params, { traceparent: http.traceparent })
    const [span] = await spansOf(trace)
    expect(span).toMatchObject({
      parentSpanId: trace.spanId,
      name: 'prompts/get vision',
      kind: 'server',
      links: [`${http.traceId}-${http.spanId}`],
      isError: false,
    })
    expect(span?.attributes).toMatchObject({
      'mcp.method.name': 'prompts/get',
      'mcp.protocol.version': '2025-06-18',
      'jsonrpc.request.id': '7',
      'network.transport': 'tcp',
      'gen_ai.prompt.name': 'vision',
    })
    expect(span?.attributes).not.toHaveProperty('gen_ai.operation.name')
  })

  it('a tool is an execution, and fails as a tool', async () => {
    const trace = freshTrace()
    const params = { name: 'get_prompts', arguments: { topic_id: 'nobody' } }
    await ask('tools/call', params, { traceparent: trace.traceparent })
    const [span] = await spansOf(trace)
    expect(span).toMatchObject({ parentSpanId: trace.spanId, name: 'tools/call get_prompts', isError: true })
    expect(span?.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'get_prompts',
      'error.type': 'tool_error',
    })
    expect(span?.attributes).not.toHaveProperty('rpc.response.status_code')
  })

  it('another failure has the code of the answer; a resource is no part of the name', async () => {
    const trace = freshTrace()
    await ask('prompts/get', { name: 'vision', arguments: { nobody: 'CANARY-VALUE' }, _meta: trace })
    await ask('resources/read', { uri: 'prompt://vision/system', _meta: trace })
    const [refused, read] = await spansOf(trace, 2)
    expect(refused?.attributes).toMatchObject({
      'rpc.response.status_code': '-32602',
      'error.type': '-32602',
    })
    expect(refused?.isError).toBe(true)
    expect(read?.name).toBe('resources/read')
    expect(read?.attributes).toMatchObject({ 'mcp.resource.uri': 'prompt://vision/system' })
  })

  it.each(['2026-07-28', 'legacy'] as const)("the SDK's client of revision %s has spans", async (era) => {
    const client = await connect(server, era)
    const trace = freshTrace()
    const { traceparent } = trace
    const _meta = { traceparent }
    await client.getPrompt({ name: 'goals', arguments: { user_name: 'x' }, _meta })
    const [span] = await spansOf(trace)
    expect(span?.name).toBe('prompts/get goals')
    expect(span?.attributes['mcp.protocol.version']).toMatch(era === 'legacy' ? /^2025-/ : /^2026-07-28$/)
  })

  it('stdio is a pipe', async () => {
    const trace = freshTrace()
    const stdio = startStdio(settingsOf())
    stdio.send(initialize())
    await stdio.answer(0)
    const params = { name: 'vision', arguments: { user_name: 'CANARY-VALUE' }, _meta: trace }
    stdio.send({ jsonrpc: '2.0', id: ID, method: 'prompts/get', params })
    await stdio.answer(ID)
    stdio.process.stdin?.end()
    await stdio.ended
    // Delivered before it ended, not by the next batch.
    const [span] = otlp.spans().filter(({ traceId }) => traceId === trace.traceId)
    expect(span?.attributes).toMatchObject({
      'network.transport': 'pipe',
      'jsonrpc.request.id': ID,
      'mcp.protocol.version': '2025-11-25',
    })
  })
})

it('one span for each request to a model, below its operation', async () => {
  const answer = JSON.stringify({ analysis: 'CANARY-TEXT', recommendations: [], severity: 'info' })
  model.script('throttled', { answer })
  const trace = freshTrace()
  const headers = { traceparent: trace.traceparent, accept: 'text/event-stream' }
  const path = 'POST /prompts/revenue_salesforce/analyze'
  const { status } = await api(server, path, { key: server.key, headers, body: ANALYSE.parameters })
  expect(status).toBe(200)
  const spans = await spansOf(trace, 3)
  const [operation] = spans.filter(({ kind }) => kind === 'server')
  const [failed, answered] = spans.filter(({ kind }) => kind === 'client')
  expect(operation?.name).toBe('prompts.analyze')
  for (const span of [failed, answered]) {
    expect(span).toMatchObject({ name: 'chat test-model', parentSpanId: operation?.spanId })
    expect(span?.startMs).toBeGreaterThanOrEqual((operation?.startMs ?? Infinity) - 1)
    expect(span?.endMs).toBeLessThanOrEqual((operation?.endMs ?? 0) + 1)
  }
  expect(failed).toMatchObject({ isError: true, attributes: { 'error.type': 'transient' } })
  expect(answered?.isError).toBe(false)
  expect(answered?.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'test-model',
    'gen_ai.prompt.name': 'revenue_salesforce',
    'gen_ai.prompt.version': '1',
    'gen_ai.usage.input_tokens': expect.any(Number),
    'gen_ai.usage.output_tokens': expect.any(Number),
    'gen_ai.response.time_to_first_chunk': expect.any(Number),
    'gen_ai.response.finish_reasons': ['stop'],
  })
})

it('a caller that records nothing has no spans here either', async () => {
  const [not, then] = [freshTrace(false), freshTrace()]
  for (const { traceparent } of [not, then]) {
    await api(server, 'GET /prompts/vision', { key: server.key, headers: { traceparent } })
  }
  await spansOf(then)
  expect(otlp.spans().filter(({ traceId }) => traceId === not.traceId)).toEqual([])
})

it('tells no text, no value, no secret and no made-up name: in traces, metrics and lines for CloudWatch', async () => {
  const settings = settingsOf()
  const token = await tokenOf(settings)
  const content = 'CANARY-TEXT {{user_name}}'
  await api(server, 'PUT /admin/prompts/vision/system', { token, body: { content } })
  await api(server, 'PUT /admin/prompts/vision/system', {
    token,
    body: { content: 'CANARY-TEXT {{nobody}}' },
  })
  await api(server, 'POST /prompts/vision/render', { key: server.key, body: RENDER })
  await api(server, 'GET /prompts/CANARY-NAME', { key: server.key, headers: { traceparent: 'CANARY-NAME' } })
  await api(server, 'GET /prompts/vision', { key: 'CANARY-SECRET' })
  const made = { traceparent: 'CANARY-NAME', tracestate: 'a=CANARY-NAME', baggage: 'a=CANARY-NAME' }
  await ask('prompts/get', { name: 'CANARY-NAME', _meta: made }, {}, 'CANARY-NAME')
  await ask('resources/read', { uri: 'prompt://CANARY-NAME/x' }, { tracestate: 'a=CANARY-NAME' })
  await ask('tools/call', { name: 'CANARY-NAME', arguments: {} })
  model.script({ answer: '{"analysis":"CANARY-TEXT"}' }, { answer: 'CANARY-TEXT' })
  const failed = await api(server, 'POST /prompts/revenue_salesforce/analyze', {
    key: server.key,
    body: ANALYSE.parameters,
  })
  expect(failed.json.code).toBe('model_error')
  const trace = freshTrace()
  await ask('prompts/get', { name: 'vision', arguments: RENDER.parameters, _meta: trace })
  await spansOf(trace)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toMatch(/prompts_operations_total\{operation="prompts.render",outcome="ok"\} [1-9]/)
  const { code } = await server.stop()
  expect(code).toBe(0)
  const lines = server
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"CloudWatchMetrics"'))
  expect(lines.join('\n')).toMatch(
    /"operation":"prompts.render","outcome":"ok","prompts_operations_total":[1-9]/,
  )
  const told = [...otlp.bodies(), metrics, server.stderr()].filter((text) => /canary/i.test(text))
  expect(told).toEqual([])
  expect(otlp.bodies().join()).not.toContain(server.key.slice(-24))
})

it('a receiver that is away costs nothing but a line in the log', async () => {
  const gone = await startOtlp()
  await gone.stop()
  const settings = { ...settingsOf(), OTEL_EXPORTER_OTLP_ENDPOINT: gone.url }
  const other = await startServer(settings)
  const { traceparent } = freshTrace()
  const { status } = await api(other, 'GET /prompts/goals', { key: server.key, headers: { traceparent } })
  expect(status).toBe(200)
  await waitFor(() => other.stderr().includes('traces cannot be delivered'))
  await other.stop()
  const warnings = other
    .stderr()
    .split('\n')
    .filter((line) => line.includes('traces cannot be delivered'))
  expect(warnings).toHaveLength(1)
})

it('a share of no traces is none', async () => {
  const settings = { ...settingsOf(), OTEL_TRACES_SAMPLER_ARG: '0' }
  const other = await startServer(settings)
  const before = otlp.spans().length
  await api(other, 'GET /prompts/goals', { key: server.key })
  await other.stop()
  expect(otlp.spans()).toHaveLength(before)
})

it.each([
  ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'a number from 0 to 1'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'an http or https address'],
  ['PROMPTS_EMF', 'yes', 'true'],
])('%s=%s is refused', async (name, value, expected) => {
  const { code, stderr } = await runProgram(['topics', 'list'], { ...settingsOf(), [name]: value })
  expect(code).toBe(2)
  expect(stderr).toContain(`${name} is wrong`)
  expect(stderr).toContain(expected)
})

/** Of programs beside the server. */
function settingsOf() {
  return {
    PROMPTS_DATA_DIR: server.folder,
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
  }
}

it('without a receiver nothing of it is loaded', async () => {
  /** What a start loads, by the account of V8's coverage. */
  const loaded = async (settings: Environment) => {
    const folder = await tempFolder()
    const coverage = join(folder, 'coverage')
    await runProgram(['stdio'], { PROMPTS_DATA_DIR: folder, NODE_V8_COVERAGE: coverage, ...settings })
    const [file = ''] = await readdir(coverage)
    return await readFile(join(coverage, file), 'utf8')
  }
  const chunk = /\/chunks\/tracing-\w+\.js"/
  expect(await loaded({})).not.toMatch(chunk)
  expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })).toMatch(chunk)
}, 60_000)
