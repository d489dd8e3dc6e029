import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Observer } from '../../domain/telemetry.ts'

/** Until the event loop's delays have been measured a few times. */
const FIRST_DELAYS_MS = 50

/**
 * Counts and times for Prometheus. Those of the process itself begin when they are first asked for: to measure the
 * event loop's delays wakes the process a hundred times a second, a dozen times what it costs when idle.
 */
export function prometheusMetrics(): {
  observe: Observer
  contentType: string
  expose: () => Promise<string>
} {
  const registry = new Registry()
  let begun: Promise<void> | undefined
  const begin = async () => {
    collectDefaultMetrics({ register: registry })
    await sleep(FIRST_DELAYS_MS)
  }
  const calls = new Counter({
    name: 'prompts_operations_total',
    help: 'Operations by name and outcome (ok or an error code).',
    labelNames: ['operation', 'outcome'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'prompts_operation_seconds',
    help: 'Duration of operations.',
    labelNames: ['operation'],
    buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60],
    registers: [registry],
  })
  const authentications = new Counter({
    name: 'prompts_authentications_total',
    help: 'Verified credentials by outcome (ok or an error code).',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const tokens = new Counter({
    name: 'prompts_model_tokens_total',
    help: 'Tokens of language models, by model and direction.',
    labelNames: ['model', 'direction'],
    registers: [registry],
  })
  const attempts = new Counter({
    name: 'prompts_model_attempts_total',
    help: 'Calls of language models, by model.',
    labelNames: ['model'],
    registers: [registry],
  })
  return {
    observe({ kind, name, outcome, use, durationMs }) {
      if (kind === 'authentication') authentications.inc({ outcome })
      if (kind !== 'operation') return
      calls.inc({ operation: name, outcome })
      seconds.observe({ operation: name }, durationMs / 1000)
      if (!use) return
      const { model, input_tokens, output_tokens } = use
      tokens.inc({ model, direction: 'input' }, input_tokens)
      tokens.inc({ model, direction: 'output' }, output_tokens)
      attempts.inc({ model }, use.attempts)
    },
    contentType: registry.contentType,
    async expose() {
      begun ??= begin()
      await begun
      return registry.metrics()
    },
  }
}
