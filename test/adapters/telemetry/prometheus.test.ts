import { expect, it } from 'vitest'
import { prometheusMetrics } from '../../../src/adapters/telemetry/prometheus.ts'
import type { CallEvent } from '../../../src/domain/telemetry.ts'

const EVENT: CallEvent = {
  kind: 'operation',
  name: 'prompts.fetch',
  caller: 'key:robot',
  outcome: 'ok',
  durationMs: 2,
  requestId: 'r1',
}

it('counts calls by name and outcome, credentials by outcome, and what models were used for', async () => {
  const { observe, expose } = prometheusMetrics()
  observe(EVENT)
  observe({ ...EVENT, outcome: 'not_found' })
  observe({ ...EVENT, use: { model: 'm', input_tokens: 3, output_tokens: 4, attempts: 2 } })
  for (const outcome of ['ok', 'ok', 'unauthenticated', 'rate_limited']) {
    observe({ ...EVENT, kind: 'authentication', name: 'authenticate', outcome })
  }
  observe({ ...EVENT, kind: 'request', name: 'request', outcome: 'too_large' })
  const lines = (await expose()).split('\n').filter((line) => /^prompts_(?!operation_seconds)/.test(line))
  expect(lines.sort()).toEqual([
    'prompts_authentications_total{outcome="ok"} 2',
    'prompts_authentications_total{outcome="rate_limited"} 1',
    'prompts_authentications_total{outcome="unauthenticated"} 1',
    'prompts_model_attempts_total{model="m"} 2',
    'prompts_model_tokens_total{model="m",direction="input"} 3',
    'prompts_model_tokens_total{model="m",direction="output"} 4',
    'prompts_operations_total{operation="prompts.fetch",outcome="not_found"} 1',
    'prompts_operations_total{operation="prompts.fetch",outcome="ok"} 2',
  ])
})
