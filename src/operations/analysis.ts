import * as z from 'zod'
import { MAX_FIELD_ERRORS } from '../domain/errors.ts'
import { TopicId } from '../domain/identifiers.ts'
import { JsonObject } from '../domain/json.ts'
import { defineOperation } from '../pipeline/operation.ts'
import { Analysis, analyze } from '../services/analysis.ts'

export const analyzeKpi = defineOperation({
  name: 'prompts.analyze',
  tool: 'analyze_kpi',
  http: 'POST /prompts/{topic_id}/analyze',
  wholeBody: 'parameters',
  asksModel: true,
  title: 'Analyse a KPI',
  summary: "Fill a topic's prompts with parameters, ask a language model, and get its validated analysis.",
  role: 'service',
  effect: 'read',
  limit: 'analysis',
  input: z.strictObject({
    topic_id: TopicId,
    parameters: JsonObject.default({}).describe(
      'Values by parameter name; names that the topic lacks are ignored.',
    ),
  }),
  output: Analysis,
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
    return { data: analysis, meta: { ...meta, ...(warnings.length > 0 && { warnings }) } }
  },
})
