import { Counter, Histogram, type Registry } from 'prom-client'
import type { ModelUse } from '../../domain/language-model.ts'
import type { Observer } from '../../domain/telemetry.ts'
import { boundedLabel } from './bounded-label.ts'
import {
  ATTRIBUTES,
  CHAT,
  CONVENTION_METRICS,
  MCP_BUCKETS,
  MODEL_BUCKETS,
  prometheusName,
  providerName,
} from './conventions.ts'
import { errorTypeOf, failureOf } from './error-type.ts'

/** Models that have series of their own, some fifty each: topics name them, and so administrators. */
const MAX_MODELS = 5

const LABEL = {
  method: prometheusName(ATTRIBUTES.mcpMethod),
  errorType: prometheusName(ATTRIBUTES.errorType),
  operation: prometheusName(ATTRIBUTES.operation),
  provider: prometheusName(ATTRIBUTES.provider),
  model: prometheusName(ATTRIBUTES.model),
}
const MODEL_LABELS = [LABEL.operation, LABEL.provider, LABEL.model]

/**
 * What the semantic conventions measure of MCP requests and of requests to models. Names of prompts and tools,
 * which the conventions want as labels, are left out: each would be a histogram of its own. Topics and operations are
 * counted already.
 *
 * @param provider see {@link providerName}.
 */
export function conventionMetrics(registry: Registry, provider: string): Observer {
  const registers = [registry]
  const mcpSeconds = new Histogram({
    name: `${prometheusName(CONVENTION_METRICS.mcpDuration)}_seconds`,
    help: 'Duration of MCP requests that run an operation, by method and error.',
    labelNames: [LABEL.method, LABEL.errorType],
    buckets: MCP_BUCKETS,
    registers,
  })
  const modelSeconds = new Histogram({
    name: `${prometheusName(CONVENTION_METRICS.modelDuration)}_seconds`,
    help: 'Duration of requests to language models, failed ones too.',
    labelNames: [...MODEL_LABELS, LABEL.errorType],
    buckets: MODEL_BUCKETS,
    registers,
  })
  const firstChunkSeconds = new Histogram({
    name: `${prometheusName(CONVENTION_METRICS.modelFirstChunk)}_seconds`,
    help: 'Time until the first piece of a streamed answer of a language model.',
    labelNames: MODEL_LABELS,
    buckets: MODEL_BUCKETS,
    registers,
  })
  const inputTokens = new Counter({
    name: `${prometheusName(CONVENTION_METRICS.modelInputTokens)}_total`,
    help: 'Tokens that language models have read.',
    labelNames: MODEL_LABELS,
    registers,
  })
  const outputTokens = new Counter({
    name: `${prometheusName(CONVENTION_METRICS.modelOutputTokens)}_total`,
    help: 'Tokens that language models have written.',
    labelNames: MODEL_LABELS,
    registers,
  })
  const modelLabel = boundedLabel(MAX_MODELS)

  function observeUse({ model, attemptLog = [] }: ModelUse): void {
    const labels = {
      [LABEL.operation]: CHAT,
      [LABEL.provider]: providerName(provider),
      [LABEL.model]: modelLabel(model),
    }
    for (const attempt of attemptLog) {
      const { startedAt, firstChunkAt, endedAt = performance.now() } = attempt
      const failure = failureOf(attempt)
      const withError = failure === undefined ? labels : { ...labels, [LABEL.errorType]: failure }
      modelSeconds.observe(withError, (endedAt - startedAt) / 1000)
      if (firstChunkAt !== undefined) firstChunkSeconds.observe(labels, (firstChunkAt - startedAt) / 1000)
      inputTokens.inc(labels, attempt.inputTokens)
      outputTokens.inc(labels, attempt.outputTokens)
    }
  }

  return (event) => {
    const mcp = event.origin?.mcp
    if (mcp) {
      const errorType = errorTypeOf(event)
      const labels = {
        [LABEL.method]: mcp.method,
        ...(errorType !== undefined && { [LABEL.errorType]: errorType }),
      }
      mcpSeconds.observe(labels, event.durationMs / 1000)
    }
    if (event.use) observeUse(event.use)
  }
}
