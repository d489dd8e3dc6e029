import * as z from 'zod'
import { AppError, toAppError } from '../../domain/errors.ts'
import { isIdentifier, TopicId } from '../../domain/identifiers.ts'
import { ParameterDefinitions } from '../../domain/parameters.ts'
import type { PromptTexts, Topic } from '../../domain/topic.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import type { CachedResponse } from '../../pipeline/result.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import { renderTopic } from '../../services/rendering.ts'
import { JsonObject, jsonBytes } from '../../util/json.ts'
import * as sample from '../sample.ts'

/** Most bytes of JSON that a batch answers. */
const MAX_BATCH_BYTES = 5 * 1024 * 1024

const Texts = z.record(z.string(), z.string()).describe('Prompt texts by prompt type.')
const BatchPart = z.object({ prompts: Texts })

export const getPrompts = defineOperation({
  name: 'prompts.fetch',
  tool: 'get_prompts',
  http: 'GET /prompts/{topic_id}',
  title: 'Get prompts',
  summary: "Get a topic's prompt texts as they are stored, with their {{variables}}.",
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'content',
  input: z.strictObject({
    topic_id: TopicId,
    include_parameters: z.boolean().default(false).describe('Also answer the declared parameters.'),
  }),
  output: z.object({
    topic_id: z.string(),
    prompts: Texts,
    allowed_parameters: ParameterDefinitions.optional(),
  }),
  example: {
    input: { topic_id: 'core_values' },
    data: {
      topic_id: 'core_values',
      prompts: { system: 'You are an expert coach...', user: 'Help {{user_name}} discover...' },
    },
  },
  async run({ catalog }, { topic_id, include_parameters }) {
    const topic = catalog.published(topic_id)
    const prompts = await catalog.texts(topic)
    const meta = { revision: topic.revision }
    const served = [topic_id]
    if (include_parameters) {
      return { data: { topic_id, prompts, allowed_parameters: topic.allowed_parameters }, meta, served }
    }
    return { data: { topic_id, prompts }, meta, cached: serialized(topic, prompts).whole, served }
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
  cache: 'none',
  input: z.strictObject({
    topic_ids: z.array(z.string()).min(1).max(100).describe('Topic ids; repeats count once.'),
  }),
  output: z.record(z.string(), BatchPart),
  example: {
    input: { topic_ids: ['core_values', 'purpose', 'revenue_salesforce'] },
    data: {
      core_values: { prompts: { system: '...', user: '...' } },
      purpose: { prompts: { system: '...', user: '...' } },
      revenue_salesforce: { prompts: { system: '...', user: '...' } },
    },
  },
  async run({ catalog }, { topic_ids }) {
    const asked = [...new Set(topic_ids)]
    const parts = await Promise.all(asked.map((topic_id) => readPart(catalog, topic_id)))
    const data: [string, Part['data']][] = []
    const errors: [string, { code: string; detail: string }][] = []
    const bytes: Buffer[] = []
    let length = 0
    for (const [index, topic_id] of asked.entries()) {
      const part = parts[index] as Part | AppError
      if (part instanceof AppError) errors.push([topic_id, { code: part.code, detail: part.message }])
      else if (length + part.bytes.length > MAX_BATCH_BYTES) {
        const detail = 'The answer is full; ask for this topic again.'
        errors.push([topic_id, { code: 'too_large', detail }])
      } else {
        length += part.bytes.length
        bytes.push(Buffer.from(`${data.length > 0 ? ',' : ''}"${topic_id}":`), part.bytes)
        data.push([topic_id, part.data])
      }
    }
    const failures = errors.length > 0 ? { errors: Object.fromEntries(errors) } : undefined
    const end = failures ? `,${JSON.stringify(failures).slice(1)}` : '}'
    return {
      data: Object.fromEntries(data),
      served: data.map(([topic_id]) => topic_id),
      ...failures,
      // Every part was checked when it was made.
      cached: {
        bytes: Buffer.concat([Buffer.from('{"data":{'), ...bytes, Buffer.from(`}${end}`)]),
        isChecked: true,
      },
    }
  },
})

/** A topic for a batch, or why it cannot be had; a defect ends the batch. */
async function readPart(catalog: Catalog, topic_id: string): Promise<Part | AppError> {
  try {
    if (!isIdentifier(topic_id)) {
      const rule = 'A topic id is 1–64 lower-case letters, digits and underscores.'
      return new AppError('invalid_input', rule)
    }
    const topic = catalog.published(topic_id)
    return serialized(topic, await catalog.texts(topic)).part
  } catch (thrown) {
    const error = toAppError(thrown)
    if (error.code === 'internal') throw thrown
    return error
  }
}

/** A topic in a batch, and its JSON. */
interface Part {
  data: { prompts: PromptTexts }
  bytes: Buffer
}

/** The JSON of texts, kept for as long as the catalogue keeps the texts themselves. */
const serializedTexts = new WeakMap<PromptTexts, { whole: CachedResponse; part: Part }>()

function serialized({ topic_id, revision }: Topic, prompts: PromptTexts) {
  let entry = serializedTexts.get(prompts)
  if (!entry) {
    const data = BatchPart.parse({ prompts })
    const whole = { bytes: jsonBytes({ data: { topic_id, prompts }, meta: { revision } }) }
    entry = { whole, part: { data, bytes: jsonBytes(data) } }
    serializedTexts.set(prompts, entry)
  }
  return entry
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
  cache: 'none',
  input: z.strictObject({
    topic_id: TopicId,
    parameters: JsonObject.default({}).describe('Values by parameter name.'),
  }),
  output: z.object({ topic_id: z.string(), prompts: Texts }),
  example: {
    input: { ...sample.id, parameters: { kpi_value: 95000 } },
    data: {
      ...sample.id,
      prompts: { system: sample.content, user: sample.userContent.replace('{{kpi_value}}', '95000') },
    },
  },
  async run({ catalog }, { topic_id, parameters }, { parameterStyle = 'json' }) {
    const options = { style: parameterStyle, prefix: 'parameters' }
    const { topic, prompts } = await renderTopic(catalog, topic_id, parameters, options)
    return { data: { topic_id, prompts }, meta: { revision: topic.revision }, served: [topic_id] }
  },
})
