import * as z from 'zod'
import { andThen } from '../../domain/awaitable.ts'
import { AppError, toAppError } from '../../domain/errors.ts'
import { isIdentifier, TopicId } from '../../domain/identifiers.ts'
import { JsonObject } from '../../domain/json.ts'
import { ParameterDefinitions } from '../../domain/parameters.ts'
import { defineOperation, type Result } from '../../pipeline/operation.ts'
import { type Served, servedOf } from '../../pipeline/served.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import { renderTopic } from '../../services/rendering.ts'

/** Most bytes of JSON that a batch answers (spec §3). */
const MAX_BATCH_BYTES = 5 * 1024 * 1024

const Texts = z.record(z.string(), z.string()).describe('Prompt texts by prompt type.')

export const getPrompts = defineOperation({
  name: 'prompts.fetch',
  tool: 'get_prompts',
  http: 'GET /prompts/{topic_id}',
  title: 'Get prompts',
  summary: "Get a topic's prompt texts as they are stored, with their {{variables}}.",
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  input: z.strictObject({
    topic_id: TopicId,
    include_parameters: z.boolean().default(false).describe('Also answer the declared parameters.'),
  }),
  output: z.object({
    topic_id: z.string(),
    prompts: Texts,
    allowed_parameters: ParameterDefinitions.optional(),
  }),
  run({ catalog }, { topic_id, include_parameters }) {
    const topic = catalog.published(topic_id)
    return andThen(catalog.texts(topic), (prompts) => {
      const { answer } = servedOf(topic, prompts)
      if (!include_parameters) return answer
      return { ...answer, data: { ...answer.data, allowed_parameters: topic.allowed_parameters } }
    })
  },
})

export const batchGet = defineOperation({
  name: 'prompts.batch',
  tool: 'batch_get',
  http: 'POST /prompts/batch',
  title: 'Get prompts of many topics',
  summary: 'Get the prompt texts of up to 100 topics; a topic that cannot be had is an error of its own.',
  role: 'service',
  effect: 'read',
  limit: 'batch',
  input: z.strictObject({
    topic_ids: z.array(z.string()).min(1).max(100).describe('Topic ids; repeats count once.'),
  }),
  output: z.record(z.string(), z.object({ prompts: Texts })),
  async run({ catalog }, { topic_ids }) {
    const asked = [...new Set(topic_ids)]
    const found = await Promise.all(asked.map((topic_id) => readOne(catalog, topic_id)))
    const data: [string, Served['part']][] = []
    const errors: [string, { code: string; detail: string }][] = []
    let bytes = 0
    for (const [index, topic_id] of asked.entries()) {
      const one = found[index] as Served | AppError
      if (one instanceof AppError) errors.push([topic_id, { code: one.code, detail: one.message }])
      else if (bytes + one.bytes > MAX_BATCH_BYTES) {
        const detail = 'The answer is full; ask for this topic again.'
        errors.push([topic_id, { code: 'too_large', detail }])
      } else {
        bytes += one.bytes
        data.push([topic_id, one.part])
      }
    }
    const answer: Result<Record<string, Served['part']>> = { data: Object.fromEntries(data) }
    return errors.length > 0 ? { ...answer, errors: Object.fromEntries(errors) } : answer
  },
})

/** A topic for a batch, or why it cannot be had; a defect ends the batch. */
async function readOne(catalog: Catalog, topic_id: string): Promise<Served | AppError> {
  try {
    if (!isIdentifier(topic_id)) {
      const rule = 'A topic id is 1–64 lower-case letters, digits and underscores.'
      return new AppError('invalid_input', rule)
    }
    const topic = catalog.published(topic_id)
    return servedOf(topic, await catalog.texts(topic))
  } catch (thrown) {
    const error = toAppError(thrown)
    if (error.code === 'internal') throw thrown
    return error
  }
}

export const renderPrompts = defineOperation({
  name: 'prompts.render',
  tool: 'render_prompts',
  http: 'POST /prompts/{topic_id}/render',
  title: 'Render prompts',
  summary: "Fill a topic's prompts with parameters.",
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  input: z.strictObject({
    topic_id: TopicId,
    parameters: JsonObject.default({}).describe('Values by parameter name.'),
  }),
  output: z.object({ topic_id: z.string(), prompts: Texts }),
  async run({ catalog }, { topic_id, parameters }, { parameterStyle = 'json' }) {
    const options = { style: parameterStyle, prefix: 'parameters' }
    const { topic, prompts } = await renderTopic(catalog, topic_id, parameters, options)
    return { data: { topic_id, prompts }, meta: { revision: topic.revision } }
  },
})
