import * as z from 'zod'
import { MAX_FIELD_ERRORS } from '../domain/errors.ts'
import { TopicId } from '../domain/identifiers.ts'
import { JsonObject } from '../domain/json.ts'
import { defineOperation } from '../pipeline/operation.ts'
import { ModelMeta } from '../pipeline/result.ts'
import { Analysis, analyze } from '../services/analysis.ts'
import * as sample from './sample.ts'

export const analyzeKpi = defineOperation({
  name: 'prompts.analyze',
  tool: 'analyze_kpi',
  http: 'POST /prompts/{topic_id}/analyze',
  wholeBody: 'parameters',
  title: 'Analyse a KPI',
  summary: "Fill a topic's prompts with parameters, ask a language model, and get its validated analysis.",
  role: 'service',
  effect: 'read',
  limit: 'analysis',
  cache: 'none',
  streams: true,
  input: z.strictObject({
    topic_id: TopicId,
    parameters: JsonObject.default({}).describe(
      'Values by parameter name; names that the topic lacks are ignored.',
    ),
  }),
  output: Analysis,
  meta: ModelMeta,
  example: {
    input: { ...sample.id, parameters: { kpi_value: 95000, threshold: 100000, time_period: 'Q4 2025' } },
    data: {
      analysis: 'Revenue is 5% below threshold. ...',
      recommendations: ['Focus on enterprise sales', 'Review pricing strategy'],
      severity: 'warning',
    },
    meta: {
      ...sample.id,
      revision: 2,
      model: 'anthropic.claude-3-sonnet-20240229-v1:0',
      input_tokens: 412,
      output_tokens: 96,
      attempts: 1,
      latency_ms: 2140,
    },
    deltas: ['Revenue is ', '5% below threshold.'],
  },
  async run(services, { topic_id, parameters }, context) {
    const {
      parameterStyle: style = 'json',
      parameterPrefix: prefix = 'parameters',
      signal,
      listener,
    } = context
    const startedAt = performance.now()
    const options = { style, prefix, signal, listener }
    const { topic, analysis, use, unknown } = await analyze(services, topic_id, parameters, options)
    const warnings = unknown.slice(0, MAX_FIELD_ERRORS).map((name) => ({
      path: prefix === '' ? name : `${prefix}.${name}`,
      message: 'is not a parameter of this topic, and was ignored.',
    }))
    const latency_ms = Math.round(performance.now() - startedAt)
    const meta = { topic_id, revision: topic.revision, ...use, latency_ms }
    return { data: analysis, meta: { ...meta, ...(warnings.length > 0 && { warnings }) }, use }
  },
})
