import { describe, expect, it } from 'vitest'
import { type Metrics, prometheusMetrics } from '../../../src/adapters/telemetry/prometheus.ts'
import { ERROR_CODES } from '../../../src/domain/errors.ts'
import type { CallEvent, McpMessage } from '../../../src/domain/telemetry.ts'
import { operations } from '../../../src/operations/table.ts'
import { METHODS } from '../../../src/transport/mcp/methods.ts'
import { callEvent, modelUse } from '../../helpers/call-events.ts'

const provider = 'bedrock'
const FIGURES = {
  ...{ topics: 3, invalidTopics: 1, textBytes: 4_096, textHits: 7, textMisses: 2 },
  ...{ storeReadAgeMs: 250, staleMs: 1_500, callsInFlight: 4, modelCallsRunning: 32, modelCallsWaiting: 5 },
}

/** The lines of our own metrics that `pattern` matches, without buckets. */
async function linesOf({ expose }: Metrics, pattern: RegExp): Promise<string[]> {
  const lines = (await expose()).split('\n')
  return lines.filter((line) => pattern.test(line) && !line.includes('_bucket')).sort()
}

function observing(...events: CallEvent[]): Metrics {
  const metrics = prometheusMetrics({ provider })
  for (const event of events) metrics.observe(event)
  return metrics
}

it('counts calls by name and outcome, credentials by kind and outcome, and refused requests', async () => {
  const authentication = { kind: 'authentication', name: 'authenticate', credential: 'key' } as const
  const metrics = observing(
    callEvent(),
    callEvent({ outcome: 'not_found' }),
    callEvent(),
    ...['ok', 'ok', 'unauthenticated'].map((outcome) => callEvent({ ...authentication, outcome })),
    callEvent({ ...authentication, credential: 'token', outcome: 'rate_limited' }),
    callEvent({ kind: 'request', name: 'request', outcome: 'too_large' }),
  )
  expect(await linesOf(metrics, /^prompts_(operations|auth|refused)/)).toEqual([
    'prompts_authentications_total{credential="key",outcome="ok"} 2',
    'prompts_authentications_total{credential="key",outcome="unauthenticated"} 1',
    'prompts_authentications_total{credential="token",outcome="rate_limited"} 1',
    'prompts_operations_total{operation="prompts.fetch",outcome="not_found"} 1',
    'prompts_operations_total{operation="prompts.fetch",outcome="ok"} 2',
    'prompts_refused_requests_total{outcome="too_large"} 1',
  ])
})

it('counts the topics that callers were served', async () => {
  const metrics = observing(
    callEvent({ topic_id: 'vision', served: ['vision'] }),
    callEvent({ topic_id: 'nobody', outcome: 'not_found' }),
    callEvent({ name: 'topics.get', topic_id: 'goals' }),
    callEvent({ name: 'prompts.batch', served: ['vision', 'purpose'] }),
  )
  expect(await linesOf(metrics, /^prompts_retrievals/)).toEqual([
    'prompts_retrievals_total{topic="purpose"} 1',
    'prompts_retrievals_total{topic="vision"} 2',
  ])
})

it('times MCP requests by method and error', async () => {
  const mcp = (method: string, more: Partial<McpMessage> = {}) => ({
    origin: { mcp: { method, transport: 'tcp' as const, ...more } },
  })
  const metrics = observing(
    callEvent(mcp('tools/call', { tool: 'get_prompts' })),
    callEvent({ ...mcp('tools/call', { tool: 'get_prompts' }), outcome: 'not_found' }),
    callEvent({ ...mcp('prompts/get'), outcome: 'not_found' }),
    callEvent({ ...mcp('prompts/get'), outcome: 'unavailable' }),
  )
  const counts = await linesOf(metrics, /^mcp_server_operation_duration_seconds_count/)
  expect(counts.map((line) => line.replace('mcp_server_operation_duration_seconds_count', ''))).toEqual([
    '{mcp_method_name="prompts/get",error_type="-32602"} 1',
    '{mcp_method_name="prompts/get",error_type="-32603"} 1',
    '{mcp_method_name="tools/call",error_type="tool_error"} 1',
    '{mcp_method_name="tools/call"} 1',
  ])
})

it('times each request to a model, also one that was given up, and counts its tokens', async () => {
  const startedAt = performance.now() - 500
  const use = modelUse('m', [
    { failure: 'transient', inputTokens: 0, outputTokens: 0 },
    { startedAt, endedAt: startedAt + 250, firstChunkAt: startedAt + 125 },
  ])
  const { endedAt: _, ...running } = { startedAt, endedAt: 0, inputTokens: 0, outputTokens: 0 }
  use.attemptLog?.push(running)
  const labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="aws.bedrock",gen_ai_request_model="m"'
  const lines = await linesOf(
    observing(callEvent({ name: 'prompts.analyze', use })),
    /^gen_ai_.*(total|count)/,
  )
  const client = 'gen_ai_client_inference'
  expect(lines).toEqual([
    `${client}_duration_seconds_count{${labels},error_type="aborted"} 1`,
    `${client}_duration_seconds_count{${labels},error_type="transient"} 1`,
    `${client}_duration_seconds_count{${labels}} 1`,
    `${client}_time_to_first_chunk_seconds_count{${labels}} 1`,
    `${client}_usage_input_tokens_total{${labels}} 3`,
    `${client}_usage_output_tokens_total{${labels}} 4`,
  ])
})

it('tells figures as they are when it is asked', async () => {
  const metrics = prometheusMetrics({ provider })
  let figures = FIGURES
  metrics.watch(() => figures)
  await metrics.expose()
  figures = { ...FIGURES, textHits: 9, modelCallsWaiting: 0 }
  metrics.throttled('dynamodb')
  const lines = await linesOf(metrics, /^prompts_/)
  expect(lines).toEqual([
    'prompts_aws_throttled_total{service="dynamodb"} 1',
    'prompts_aws_throttled_total{service="s3"} 0',
    'prompts_aws_throttled_total{service="secretsmanager"} 0',
    'prompts_calls_in_flight 4',
    'prompts_model_calls_running 32',
    'prompts_model_calls_waiting 0',
    'prompts_stale_seconds 1.5',
    'prompts_store_read_age_seconds 0.25',
    'prompts_text_cache_bytes 4096',
    'prompts_text_cache_hits_total 9',
    'prompts_text_cache_misses_total 2',
    'prompts_topics 3',
    'prompts_topics_invalid 1',
  ])
})

describe('with 10,000 topics, 1,000 keys and a hundred models', () => {
  /** Everything that there is to ask for, with the outcomes that it usually has, over REST and over MCP. */
  const metrics = prometheusMetrics({ provider })
  metrics.watch(() => FIGURES)
  const usual = [
    ...['ok', 'invalid_input', 'not_found', 'forbidden', 'conflict'],
    ...['rate_limited', 'unavailable', 'internal'],
  ]
  for (const outcome of usual) {
    for (const { name, tool } of operations) {
      metrics.observe(callEvent({ name, outcome }))
      if (tool === undefined) continue
      const origin = { mcp: { method: 'tools/call', tool, transport: 'tcp' as const } }
      metrics.observe(callEvent({ name, outcome, origin }))
    }
    for (const method of METHODS.keys()) {
      const origin = { mcp: { method, transport: 'tcp' as const } }
      metrics.observe(callEvent({ name: `mcp.${method}`, outcome, origin }))
    }
  }
  for (let index = 0; index < 10_000; index++) metrics.observe(callEvent({ served: [`topic_${index}`] }))
  for (let index = 0; index < 1_000; index++) {
    const caller = `ppath_svc_dev_${index}`
    const kind = 'authentication'
    metrics.observe(callEvent({ kind, name: 'authenticate', caller, credential: 'key' }))
    metrics.observe(callEvent({ caller: `key:${index}`, served: ['topic_1'] }))
  }
  for (let index = 0; index < 100; index++) {
    const firstChunkAt = performance.now()
    const use = modelUse(`model ${index}`, [{ firstChunkAt }, { failure: 'transient' }])
    metrics.observe(callEvent({ name: 'prompts.analyze', use }))
  }
  const series = async () => (await metrics.expose()).split('\n').filter((line) => /^\w/.test(line))

  it('has at most 2,000 series', async () => {
    const all = await series()
    expect(all.filter((line) => line.startsWith('prompts_retrievals_total')).length).toBe(201)
    expect(all.find((line) => line.includes('topic="_other"'))).toMatch(/ 9800$/)
    expect(all.length).toBeGreaterThan(1_000)
    expect(all.length).toBeLessThanOrEqual(2_000)
  })

  it('bounds models, too', async () => {
    const models = (await series()).filter((line) => line.startsWith('gen_ai_client_inference_usage_input'))
    expect(models).toHaveLength(6)
  })

  it('names nobody', async () => {
    expect((await series()).filter((line) => /ppath_svc|key:\d/.test(line))).toEqual([])
  })
})

it('knows every error code as an error', async () => {
  const events = Object.keys(ERROR_CODES).map((outcome) =>
    callEvent({ outcome, origin: { mcp: { method: 'prompts/get', transport: 'pipe' } } }),
  )
  const lines = await linesOf(observing(...events), /^mcp_server.*count/)
  expect(lines.filter((line) => !/error_type="-326\d\d"/.test(line))).toEqual([])
})
