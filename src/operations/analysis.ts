import * as z from 'zod'
import { MAX_FIELD_ERRORS } from '../domain/errors.ts'
import { TopicId } from '../domain/identifiers.ts'
import { defineOperation } from '../pipeline/operation.ts'
import { ModelMeta, type Result } from '../pipeline/result.ts'
import { Analysis, analyze, type FinishedAnalysis } from '../services/analysis.ts'
import { JsonObject } from '../util/json.ts'
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
    data: sample.analysis,
    meta: sample.modelMeta,
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
    const finished = await analyze(services, topic_id, parameters, options)
    return { data: finished.analysis, ...modelAnswer(finished, prefix, startedAt), served: [topic_id] }
  },
})

/**
 * What an answer of a model says beside its data.
 *
 * @param startedAt by `performance.now()`.
 */
export function modelAnswer(
  { topic, use, unknown }: Omit<FinishedAnalysis, 'analysis'>,
  prefix: string,
  startedAt: number,
): Pick<Required<Result<unknown>>, 'meta' | 'use'> {
  const warnings = unknown.slice(0, MAX_FIELD_ERRORS).map((name) => ({
    path: prefix === '' ? name : `${prefix}.${name}`,
    message: 'is not a parameter of this topic, and was ignored.',
  }))
  const latency_ms = Math.round(performance.now() - startedAt)
  const meta = { topic_id: topic.topic_id, revision: topic.revision, ...use, latency_ms }
  return { meta: { ...meta, ...(warnings.length > 0 && { warnings }) }, use }
}
