import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Measure } from '../../domain/telemetry.ts'

const MAX_WAITING = 256
/** Until the event loop's delays have been measured a few times. */
const FIRST_DELAYS_MS = 50

/**
 * Counts and times for Prometheus. Those of the process itself begin when somebody asks for the first time: to measure the
 * event loop's delays wakes the process a hundred times a second, a dozen times what it costs when idle.
 */
export function prometheusMetrics(): {
  measure: Measure
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
  /** Calls that are not counted yet: many in one go take a fraction of the time. */
  let waiting: { operation: string; outcome: string; duration: number }[] = []
  const count = () => {
    const counts = new Map<string, Record<string, number>>()
    for (const { operation, outcome, duration } of waiting) {
      seconds.observe({ operation }, duration)
      const outcomes = counts.get(operation) ?? {}
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      counts.set(operation, outcomes)
    }
    for (const [operation, outcomes] of counts) {
      for (const [outcome, times] of Object.entries(outcomes)) calls.inc({ operation, outcome }, times)
    }
    waiting = []
  }
  return {
    measure(operation, outcome, duration, use) {
      if (use?.model !== undefined) {
        const { model, input_tokens = 0, output_tokens = 0 } = use
        tokens.inc({ model, direction: 'input' }, input_tokens)
        tokens.inc({ model, direction: 'output' }, output_tokens)
        attempts.inc({ model }, use.attempts ?? 0)
      }
      waiting.push({ operation, outcome, duration })
      if (waiting.length >= MAX_WAITING) count()
    },
    contentType: registry.contentType,
    async expose() {
      begun ??= begin()
      await begun
      count()
      return registry.metrics()
    },
  }
}
