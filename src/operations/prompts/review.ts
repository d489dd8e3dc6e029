import * as z from 'zod'
import { type FieldError, notFound, toAppError } from '../../domain/errors.ts'
import { checkParameters } from '../../domain/parameters.ts'
import { renderTemplate } from '../../domain/template/render.ts'
import { checkTopic, definitionOf } from '../../domain/topic.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { JsonObject } from '../../util/json.ts'
import * as sample from '../sample.ts'
import { address, admin, Content, infoOf, Prompt, pathOf, promptAnswer } from './record.ts'

export const getPrompt = defineOperation({
  ...admin,
  name: 'prompts.get',
  tool: 'get_prompt',
  http: 'GET /admin/prompts/{topic_id}/{prompt_type}',
  title: 'Get prompt',
  summary: 'Get one prompt text for editing, or an earlier one by its version.',
  effect: 'read',
  cache: 'revision',
  input: z.strictObject({
    ...address,
    version_id: z.string().max(200).optional().describe('An earlier text; see prompt_history.'),
  }),
  output: Prompt,
  example: { input: sample.address, data: sample.prompt },
  async run({ catalog, prompts }, { topic_id, prompt_type, version_id }) {
    const topic = catalog.topic(topic_id)
    if (version_id === undefined) {
      const info = infoOf(topic, prompt_type)
      const texts = await catalog.texts(topic)
      return promptAnswer(topic, info, texts[prompt_type] as string)
    }
    const { version, content } = await prompts.readVersion(topic_id, prompt_type, version_id)
    return promptAnswer(topic, { prompt_type, ...version }, content)
  },
})

export const promptHistory = defineOperation({
  ...admin,
  name: 'prompts.history',
  tool: 'prompt_history',
  http: 'GET /admin/prompts/{topic_id}/{prompt_type}/history',
  title: 'Prompt history',
  summary: 'List every text that a prompt has had, newest first.',
  effect: 'read',
  cache: 'none',
  input: z.strictObject({
    ...address,
    cursor: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional()
      .describe('`meta.next_cursor` of the page before.'),
    limit: z.int().min(1).max(500).default(100).describe('Most versions of a page.'),
  }),
  output: z.array(
    z.object({
      version_id: z.string(),
      revision: z.int(),
      updated_at: z.string(),
      updated_by: z.string(),
      note: z.string().optional(),
      bytes: z.int(),
      sha256: z.string(),
      current: z.boolean(),
    }),
  ),
  example: {
    input: sample.address,
    data: [
      { version_id: '2', ...sample.second, note: sample.note, current: true },
      { version_id: '1', ...sample.first, current: false },
    ],
  },
  async run({ catalog, prompts }, { topic_id, prompt_type, cursor, limit }) {
    const topic = catalog.topic(topic_id)
    const versions = await prompts.history(topic_id, prompt_type)
    if (versions.length === 0) throw notFound(topic_id, prompt_type)
    const current = topic.prompts.find((info) => info.prompt_type === prompt_type)?.revision
    // The cursor is the last revision shown: newer ones that come meanwhile shift nothing.
    const before = cursor === undefined ? Infinity : Number(cursor)
    const rest = versions.filter(({ revision }) => revision < before)
    const page = rest
      .slice(0, limit)
      .map((version) => ({ ...version, current: version.revision === current }))
    const last = page.at(-1)
    const meta = last && rest.length > page.length ? { meta: { next_cursor: String(last.revision) } } : {}
    return { data: page, ...meta }
  },
})

export const previewPrompt = defineOperation({
  ...admin,
  name: 'prompts.preview',
  tool: 'preview_prompt',
  http: 'POST /admin/prompts/{topic_id}/{prompt_type}/preview',
  title: 'Check a draft',
  summary: 'Check a text as saving would, and render it; saves nothing.',
  effect: 'read',
  cache: 'none',
  input: z.strictObject({
    ...address,
    content: Content,
    parameters: JsonObject.optional().describe('Values to render the text with.'),
  }),
  output: z.object({
    valid: z.boolean(),
    errors: z.array(
      z.object({
        path: z.string(),
        expected: z.string(),
        message: z.string(),
        line: z.int().optional(),
        column: z.int().optional(),
      }),
    ),
    warnings: z.array(z.object({ path: z.string(), message: z.string() })),
    rendered: z.string().optional(),
  }),
  example: {
    input: { ...sample.address, content: sample.userContent, parameters: { kpi_value: 95000 } },
    data: { valid: true, errors: [], warnings: [], rendered: 'Analyze a revenue of 95000.' },
  },
  async run({ catalog }, { topic_id, prompt_type, content, parameters }, { parameterStyle = 'json' }) {
    const topic = catalog.topic(topic_id)
    const texts = { ...(await catalog.texts(topic)), [prompt_type]: content }
    const check = checkTopic(definitionOf(topic), texts, (type) => pathOf(type, prompt_type))
    if (check.tooLarge !== undefined) return { data: invalid(tooLargeError(check.tooLarge)) }
    const { errors, warnings } = check
    if (errors.length > 0) return { data: { valid: false, errors, warnings } }
    if (parameters === undefined) return { data: { valid: true, errors, warnings } }
    try {
      const options = { style: parameterStyle, prefix: 'parameters' }
      const values = checkParameters(topic.allowed_parameters, parameters, options)
      return { data: { valid: true, errors, warnings, rendered: renderTemplate(content, values) } }
    } catch (thrown) {
      const { code, message, errors } = toAppError(thrown)
      if (code !== 'invalid_input' && code !== 'too_large') throw thrown
      return { data: invalid(...(errors ?? [tooLargeError(message)])) }
    }
  },
})

function invalid(...errors: FieldError[]) {
  return { valid: false, errors, warnings: [] }
}

function tooLargeError(message: string): FieldError {
  return { path: 'content', expected: 'a smaller text', message }
}
