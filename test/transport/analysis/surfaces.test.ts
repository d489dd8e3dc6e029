import { describe, expect, test } from 'vitest'
import { api } from '../../helpers/api.ts'
import { type AtEnd, shared } from '../../helpers/at-end.ts'
import { connect, connectV1 } from '../../helpers/clients.ts'
import { runCommand, withAwsSettings } from '../../helpers/command.ts'
import { postForEvents } from '../../helpers/events.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { jsonOf } from '../../helpers/matrix.ts'
import { type Deed, MODEL_SERVERS } from '../../helpers/models.ts'
import { type RunningServer, startServer, waitFor } from '../../helpers/program.ts'

/** The design document's example. */
const PARAMETERS = { kpi_value: 95000, threshold: 100000, time_period: 'Q4 2025' }
const DATA = {
  analysis: 'Revenue is 5% below threshold. "Ünïcode" 😀',
  recommendations: ['Focus on enterprise sales', 'Review pricing strategy'],
  severity: 'warning',
}
const GOOD: Deed = { answer: JSON.stringify(DATA) }
const PATH = '/prompts/revenue_salesforce/analyze'

async function setUp(name: string, atEnd?: AtEnd) {
  const model = await (MODEL_SERVERS[name] as (typeof MODEL_SERVERS)[string])(atEnd)
  const environment = { PROMPTS_DATA_DIR: await tempFolder(atEnd), ...model.settings }
  withAwsSettings(environment, atEnd)
  return { model, environment, server: await startServer(environment, atEnd) }
}

/** The events of an analysis. */
function stream({ url, key }: RunningServer, body: object = PARAMETERS) {
  return postForEvents(`${url}/api/v1${PATH}`, { 'x-api-key': key }, body)
}

describe.each(Object.keys(MODEL_SERVERS))('with %s', (name) => {
  const meta = { topic_id: 'revenue_salesforce', revision: 1, model: 'test-model', attempts: 1 }

  const set = shared((atEnd) => setUp(name, atEnd))

  test('the design document’s example answers in its shape on every surface', async () => {
    const { model, environment, server } = set
    model.always(GOOD)
    const overRest = await api(server, `POST ${PATH}`, { key: server.key, body: PARAMETERS })
    expect(overRest.status).toBe(200)
    expect(overRest.json).toEqual({ data: DATA, meta: expect.objectContaining(meta) })
    expect(overRest.json.meta).toMatchObject({
      latency_ms: expect.any(Number),
      input_tokens: expect.any(Number),
    })

    const client = await connect(server, '2026-07-28')
    const arguments_ = { topic_id: 'revenue_salesforce', parameters: PARAMETERS }
    const overMcp = await client.callTool({ name: 'analyze_kpi', arguments: arguments_ })
    expect(overMcp.structuredContent).toEqual({ data: DATA, meta: expect.objectContaining(meta) })
    expect(jsonOf(overMcp as never)).toEqual(overMcp.structuredContent)

    const words = Object.entries(PARAMETERS).flatMap(([one, value]) => ['--param', `${one}=${value}`])
    const command = ['prompts', 'analyze', 'revenue_salesforce', ...words, '--json']
    const { code, stdout } = await runCommand(command, environment)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ data: DATA, meta: expect.objectContaining(meta) })
    expect(model.lastModel()).toBe('test-model')

    const audit = server
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"event":"prompts.analyze"'))
      .map((line) => JSON.parse(line))
    expect(audit).toHaveLength(2)
    for (const line of audit) expect(line).toMatchObject({ outcome: 'ok', model: 'test-model', attempts: 1 })
    const givenUp = server
      .stderr()
      .split('\n')
      .filter((line) => line.includes('refuses for model'))
    expect(givenUp).toHaveLength(name.endsWith('without schemas') ? 1 : 0)
    expect(server.stderr()).not.toMatch(/95000|Q4 2025|enterprise/)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/gen_ai_client_inference_usage_output_tokens_total\{.*="test-model"\} [1-9]/)
  })

  test('streams the text as it grows, over REST and as MCP progress', async () => {
    const { model, server } = set
    model.always({ ...GOOD, gapMs: 20, size: 12 } as Deed)
    const { events, ended, textOf } = stream(server)
    expect(await ended).toMatchObject({ status: 200, type: 'text/event-stream; charset=utf-8' })
    expect(textOf()).toBe(DATA.analysis)
    expect(events.filter(({ event }) => event === 'delta').length).toBeGreaterThan(2)
    expect(events.at(-1)).toMatchObject({ event: 'result', data: { data: DATA, meta } })
    const [first, last] = [events[0], events.at(-1)]
    expect((last?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(40)

    const call = {
      name: 'analyze_kpi',
      arguments: { topic_id: 'revenue_salesforce', parameters: PARAMETERS },
    }
    const v1 = await connectV1(server)
    const callers = [
      ...[await connect(server, '2026-07-28'), await connect(server, 'legacy')].map(
        (client) => (options: Progress) => client.callTool(call, options),
      ),
      (options: Progress) => v1.callTool(call, undefined, options),
    ]
    for (const callWith of callers) {
      const pieces: string[] = []
      const answer = await callWith({ onprogress: ({ message = '' }) => void pieces.push(message) })
      expect(answer.structuredContent).toMatchObject({ data: DATA })
      expect(pieces.length).toBeGreaterThan(2)
      expect(pieces.join('')).toBe(DATA.analysis)
    }
  })

  test('tells a stream that what was shown is void, and gives the repaired answer', async () => {
    const { model, server } = set
    model.script({ answer: JSON.stringify({ ...DATA, analysis: 'Void', severity: 'CRITICAL' }) }, GOOD)
    const { events, ended } = stream(server)
    await ended
    const kinds = events.map(({ event }) => event)
    expect(kinds.filter((event, index) => event !== kinds[index - 1])).toEqual([
      'delta',
      'reset',
      'delta',
      'result',
    ])
    expect(events.at(-1)?.data).toMatchObject({ data: DATA, meta: { attempts: 2 } })
  })

  test('ends the call at the model when the client goes away, streaming or not', async () => {
    const { model, server } = set
    for (const deed of ['hangs', 'stalls in the middle'] as const) {
      const before = model.count()
      model.script(deed)
      const { hangUp } = stream(server)
      await waitFor(() => model.count() > before)
      await new Promise((resolve) => setTimeout(resolve, 50))
      hangUp()
      await waitFor(() => model.lastEnd() === 'gone', 1_000)
    }
    const before = model.count()
    model.script('hangs')
    const controller = new AbortController()
    const plain = fetch(`${server.url}/api/v1${PATH}`, {
      method: 'POST',
      headers: { 'x-api-key': server.key, 'content-type': 'application/json' },
      body: JSON.stringify(PARAMETERS),
      signal: controller.signal,
    })
    await waitFor(() => model.count() > before)
    controller.abort()
    await expect(plain).rejects.toThrow()
    await waitFor(() => model.lastEnd() === 'gone', 1_000)

    const client = await connect(server, '2026-07-28')
    const count = model.count()
    model.script('hangs')
    const cancel = new AbortController()
    const call = {
      name: 'analyze_kpi',
      arguments: { topic_id: 'revenue_salesforce', parameters: PARAMETERS },
    }
    const cancelled = client.callTool(call, { signal: cancel.signal })
    await waitFor(() => model.count() > count)
    cancel.abort()
    await expect(cancelled).rejects.toThrow()
    await waitFor(() => model.lastEnd() === 'gone', 1_000)
  })

  test('ends the call at the model when a client of 2025-11-25 cancels it in its session', async () => {
    const { model, server } = set
    const client = await connect(server, 'legacy')
    model.script('hangs')
    const count = model.count()
    const cancel = new AbortController()
    const call = {
      name: 'analyze_kpi',
      arguments: { topic_id: 'revenue_salesforce', parameters: PARAMETERS },
    }
    const cancelled = client.callTool(call, { signal: cancel.signal })
    await waitFor(() => model.count() > count)
    // A form that the model refuses is a call of its own.
    await new Promise((resolve) => setTimeout(resolve, 200))
    cancel.abort()
    await expect(cancelled).rejects.toThrow()
    await waitFor(() => model.lastEnd() === 'gone', 1_000)
    expect((await client.listPrompts()).prompts).not.toEqual([])
  })

  describe('failures', () => {
    const BUDGET_MS = 1_000
    const BUDGET = { PROMPTS_LLM_TIMEOUT_MS: `${BUDGET_MS}` }
    const EVERYWHERE: Deed[] = [
      'throttled',
      'broken connection',
      'hangs',
      'refused',
      'stops at the limit',
      'cut at once',
      'cut in the middle',
      'stalls in the middle',
      'fails in the middle',
      { answer: 'no JSON' },
    ]

    test('are model_error within the time on REST, streamed REST and MCP', async () => {
      const { model, environment } = set
      const own = { PROMPTS_DATA_DIR: await tempFolder(), ...BUDGET }
      const server = await startServer({ ...environment, ...own })
      const client = await connect(server, '2026-07-28')
      for (const deed of EVERYWHERE) {
        model.always(deed)
        const startedAt = performance.now()
        const took = () => performance.now() - startedAt
        const call = {
          name: 'analyze_kpi',
          arguments: { topic_id: 'revenue_salesforce', parameters: PARAMETERS },
        }
        const streamed = stream(server)
        const [plain, overMcp, { status }] = await Promise.all([
          api(server, `POST ${PATH}`, { key: server.key, body: PARAMETERS }),
          client.callTool(call),
          streamed.ended,
        ])
        expect({ deed, took: took() < BUDGET_MS + 1_000 }).toEqual({ deed, took: true })
        // Bedrock has no failure in the middle of an answer that is not streamed.
        if (name !== 'Bedrock' || deed !== 'fails in the middle') {
          expect({ deed, status: plain.status, ...plain.json }).toMatchObject({
            deed,
            status: 502,
            code: 'model_error',
            detail: expect.stringMatching(/./),
          })
          expect({ deed, ...overMcp }).toMatchObject({ deed, isError: true, _meta: { code: 'model_error' } })
        }
        // A stream that has begun ends with its error; one that has not is an ordinary answer.
        const last = streamed.events.at(-1)
        if (status === 200) expect(last).toMatchObject({ event: 'error', data: { code: 'model_error' } })
        else expect({ deed, status, events: streamed.events }).toEqual({ deed, status: 502, events: [] })
      }
    })

    test.each(['refused', 'hangs'] as const)('exit with 1 on the command line: %s', async (deed) => {
      const { model, environment } = set
      model.always(deed)
      const words = [
        'prompts',
        'analyze',
        'revenue_salesforce',
        '--parameters',
        JSON.stringify(PARAMETERS),
        '--json',
      ]
      const { code, stdout, stderr } = await runCommand(words, { ...environment, ...BUDGET })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(JSON.parse(stderr)).toMatchObject({ code: 'model_error' })
    })
  })
})

test.each([
  `<think>CANARY {"analysis":"CANARY"}</think>\n`,
  'CANARY {"analysis":"CANARY"}</think>\n',
  '\uFEFF',
])('what stands before an answer is shown on no surface: %j', async (before) => {
  const { model, server } = await setUp('OpenAI-compatible')
  model.always({ answer: `${before}${JSON.stringify(DATA)}`, size: 3 })
  const { events, ended, textOf } = stream(server)
  expect((await ended).text).not.toContain('CANARY')
  expect(textOf()).toBe(DATA.analysis)
  expect(events.map(({ event }) => event)).not.toContain('reset')
  expect(events.at(-1)).toMatchObject({ event: 'result', data: { data: DATA, meta: { attempts: 1 } } })
  const plain = await api(server, `POST ${PATH}`, { key: server.key, body: PARAMETERS })
  expect(plain.json).toMatchObject({ data: DATA, meta: { attempts: 1 } })
  const client = await connect(server, '2026-07-28')
  const pieces: string[] = []
  const call = { name: 'analyze_kpi', arguments: { topic_id: 'revenue_salesforce', parameters: PARAMETERS } }
  const onprogress: Progress['onprogress'] = ({ message = '' }) => void pieces.push(message)
  expect((await client.callTool(call, { onprogress })).structuredContent).toMatchObject({ data: DATA })
  expect(pieces.join('')).toBe(DATA.analysis)
})

type Progress = { onprogress: (progress: { message?: string | undefined }) => void }

describe('without a model', () => {
  test('says what to set', async () => {
    const settings = { PROMPTS_DATA_DIR: await tempFolder() }
    const server = await startServer(settings)
    const answer = await api(server, `POST ${PATH}`, { key: server.key, body: PARAMETERS })
    expect(answer).toMatchObject({ status: 503, json: { code: 'model_not_configured' } })
    const words = ['prompts', 'analyze', 'revenue_salesforce', '--parameters', JSON.stringify(PARAMETERS)]
    const { code, stderr } = await runCommand(words, settings)
    expect(code).toBe(1)
    expect(stderr).toMatch(/PROMPTS_LLM/)
  })

  test('refuses faulty parameters by their names, and a body that is none', async () => {
    const server = await startServer({ PROMPTS_DATA_DIR: await tempFolder() })
    const analyze = (body: unknown, path = PATH) => api(server, `POST ${path}`, { key: server.key, body })
    const faulty = await analyze({ kpi_value: 'much', threshold: 1, unknown: 1 })
    expect(faulty.status).toBe(400)
    const paths = (faulty.json.errors as { path: string }[]).map(({ path }) => path)
    expect(paths.sort()).toEqual(['kpi_value', 'time_period'])
    expect((await analyze([1])).json.code).toBe('invalid_input')
    expect((await analyze('{"a":1,"a":2}')).json.code).toBe('invalid_input')
    expect((await analyze({}, '/prompts/nobody/analyze')).json.code).toBe('not_found')
    expect((await analyze({ user_name: 'x' }, '/prompts/goals/analyze')).json).toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'topic_id' }],
    })
    // A parameter may have the name of the path's field.
    expect((await analyze({ topic_id: 1, ...PARAMETERS })).json.code).toBe('model_not_configured')
  })
})
