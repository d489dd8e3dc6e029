import * as z from 'zod'
import { AppError, toAppError } from '../domain/errors.ts'
import { isIdentifier, TopicId } from '../domain/identifiers.ts'
import { JsonObject } from '../domain/json.ts'
import { ParameterDefinitions } from '../domain/parameters.ts'
import type { Bodies } from '../domain/topic.ts'
import type { Catalog } from '../services/catalog.ts'
import { renderTopic } from '../services/rendering.ts'
import { type Answer, defineOperation } from './operation.ts'

/** Most bytes of JSON that a batch answers (spec §3). */
const MAX_BATCH_BYTES = 5 * 1024 * 1024

const Texts = z.record(z.string(), z.string()).describe('Prompt texts by prompt type.')

/** Answers by the texts that they hold: while a topic does not change, the same object, which then is written only once. */
const answers = new WeakMap<Bodies, Answer<{ topic_id: string; prompts: Bodies }>>()

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
  async run({ catalog }, { topic_id, include_parameters }) {
    const topic = catalog.published(topic_id)
    const prompts = await catalog.bodies(topic)
    const { allowed_parameters, revision } = topic
    if (include_parameters) return { data: { topic_id, prompts, allowed_parameters }, meta: { revision } }
    const known = answers.get(prompts)
    if (known) return known
    const answer = { data: { topic_id, prompts }, meta: { revision } }
    answers.set(prompts, answer)
    return answer
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
    const data: [string, { prompts: Bodies }][] = []
    const errors: [string, { code: string; detail: string }][] = []
    let bytes = 0
    for (const topic_id of new Set(topic_ids)) {
      try {
        const prompts = await publishedBodies(catalog, topic_id)
        const size = Buffer.byteLength(JSON.stringify(prompts))
        if (bytes + size > MAX_BATCH_BYTES) {
          errors.push([
            topic_id,
            { code: 'too_large', detail: 'The answer is full; ask for this topic again.' },
          ])
          continue
        }
        bytes += size
        data.push([topic_id, { prompts }])
      } catch (thrown) {
        const { code, message } = toAppError(thrown)
        if (code === 'internal') throw thrown
        errors.push([topic_id, { code, detail: message }])
      }
    }
    const answer: Answer<Record<string, { prompts: Bodies }>> = { data: Object.fromEntries(data) }
    return errors.length > 0 ? { ...answer, errors: Object.fromEntries(errors) } : answer
  },
})

async function publishedBodies(catalog: Catalog, topic_id: string): Promise<Bodies> {
  if (!isIdentifier(topic_id)) {
    throw new AppError('invalid_input', 'A topic id is 1–64 lower-case letters, digits and underscores.')
  }
  return catalog.bodies(catalog.published(topic_id))
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
