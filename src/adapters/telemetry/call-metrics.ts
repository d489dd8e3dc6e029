import { Counter, Histogram, type Registry } from 'prom-client'
import type { Observer } from '../../domain/telemetry.ts'
import { boundedLabel } from './bounded-label.ts'

/** Topics that have a series of their own. */
const MAX_TOPICS = 200

/** Counts and times of calls, credentials and refused requests. */
export function callMetrics(registry: Registry): Observer {
  const registers = [registry]
  const calls = new Counter({
    name: 'prompts_operations_total',
    help: 'Operations by name and outcome (ok or an error code).',
    labelNames: ['operation', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'prompts_operation_seconds',
    help: 'Duration of operations.',
    labelNames: ['operation'],
    buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60],
    registers,
  })
  const retrievals = new Counter({
    name: 'prompts_retrievals_total',
    help: 'Topics that callers were served, by topic.',
    labelNames: ['topic'],
    registers,
  })
  const authentications = new Counter({
    name: 'prompts_authentications_total',
    help: 'Verified credentials by kind and outcome (ok or an error code).',
    labelNames: ['credential', 'outcome'],
    registers,
  })
  const refused = new Counter({
    name: 'prompts_refused_requests_total',
    help: 'Requests of known callers that were refused before they came to an operation, by error code.',
    labelNames: ['outcome'],
    registers,
  })
  const topicLabel = boundedLabel(MAX_TOPICS)

  return ({ kind, name, outcome, credential = 'none', served = [], durationMs }) => {
    if (kind === 'authentication') authentications.inc({ credential, outcome })
    else if (kind === 'request') refused.inc({ outcome })
    else {
      calls.inc({ operation: name, outcome })
      seconds.observe({ operation: name }, durationMs / 1000)
      for (const topic_id of served) retrievals.inc({ topic: topicLabel(topic_id) })
    }
  }
}
