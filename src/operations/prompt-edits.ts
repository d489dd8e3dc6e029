import * as z from 'zod'
import { AppError, notFound, toAppError } from '../domain/errors.ts'
import { PromptType, TopicId } from '../domain/identifiers.ts'
import { JsonObject } from '../domain/json.ts'
import { checkParameters, ParameterDefinitions } from '../domain/parameters.ts'
import { renderTemplate } from '../domain/template.ts'
import { checkTopic, definitionOf, type PromptInfo, type Topic, type TopicContent } from '../domain/topic.ts'
import { type Published, publish } from '../services/publishing.ts'
import { type Answer, defineOperation, editMeta, type Services } from './operation.ts'
import { ExpectedRevision } from './topic-edits.ts'

const Prompt = z.object({
  topic_id: z.string(),
  prompt_type: z.string(),
  content: z.string(),
  allowed_parameters: ParameterDefinitions,
  revision: z.int(),
  sha256: z.string(),
  bytes: z.int(),
  updated_at: z.string(),
  updated_by: z.string(),
})
const Content = z.string().describe('The text, in Markdown with {{variables}}.')
const address = { topic_id: TopicId, prompt_type: PromptType }
const admin = { role: 'admin', limit: 'admin' } as const

export const getPrompt = defineOperation({
  ...admin,
  name: 'prompts.get',
  tool: 'get_prompt',
  http: 'GET /admin/prompts/{topic_id}/{prompt_type}',
  title: 'Get prompt',
  summary: 'Get one prompt text for editing, or an earlier one by its version.',
  effect: 'read',
  input: z.strictObject({
    ...address,
    version_id: z.string().max(200).optional().describe('An earlier text; see prompt_history.'),
  }),
  output: Prompt,
  async run({ catalog, prompts }, { topic_id, prompt_type, version_id }) {
    const topic = catalog.topic(topic_id)
    if (version_id === undefined) {
      const info = infoOf(topic, prompt_type)
      return promptAnswer(topic, info, await prompts.read(topic_id, info))
    }
    const content = await prompts.readVersion(topic_id, prompt_type, version_id)
    const version = (await prompts.history(topic_id, prompt_type)).find(
      (one) => one.version_id === version_id,
    )
    if (!version) throw notFound(topic_id, prompt_type)
    return promptAnswer(topic, { prompt_type, ...version }, content)
  },
})

export const createPrompt = defineOperation({
  ...admin,
  name: 'prompts.create',
  tool: 'create_prompt',
  http: 'POST /admin/prompts/{topic_id}/{prompt_type}',
  creates: '/admin/prompts/{topic_id}/{prompt_type}',
  title: 'Create prompt',
  summary: 'Add a prompt of a new type to a topic.',
  effect: 'write',
  input: z.strictObject({ ...address, content: Content }),
  output: Prompt,
  run: (services, { topic_id, prompt_type, content }, { caller }) =>
    publishPrompt(services, { topic_id, prompt_type }, caller.subject, (info) => {
      if (!info) return content
      throw new AppError('conflict', `Topic "${topic_id}" has a prompt "${prompt_type}" already.`)
    }),
})

export const updatePrompt = defineOperation({
  ...admin,
  name: 'prompts.update',
  tool: 'update_prompt',
  http: 'PUT /admin/prompts/{topic_id}/{prompt_type}',
  title: 'Update prompt',
  summary: 'Replace a prompt text; it is checked against the parameters of its topic first.',
  effect: 'write',
  input: z.strictObject({ ...address, content: Content, expected_revision: ExpectedRevision }),
  output: Prompt,
  run: (services, { topic_id, prompt_type, content, expected_revision }, { caller }) =>
    publishPrompt(services, { topic_id, prompt_type }, caller.subject, (info, text) => {
      if (!info) throw notFound(topic_id, prompt_type)
      assertPromptRevision(info, text, expected_revision)
      return content
    }),
})

export const deletePrompt = defineOperation({
  ...admin,
  name: 'prompts.delete',
  tool: 'delete_prompt',
  http: 'DELETE /admin/prompts/{topic_id}/{prompt_type}',
  title: 'Delete prompt',
  summary: 'Remove a prompt from its topic; its history stays and restore_prompt brings it back.',
  effect: 'delete',
  input: z.strictObject({ ...address, expected_revision: ExpectedRevision }),
  output: z.object({ topic_id: z.string(), prompt_type: z.string(), message: z.string() }),
  async run(services, { topic_id, prompt_type, expected_revision }, { caller }) {
    const { topic, warnings } = await editPrompts(services, topic_id, caller.subject, (content, record) => {
      const info = infoOf(record, prompt_type)
      assertPromptRevision(info, content.bodies[prompt_type], expected_revision)
      const { [prompt_type]: _, ...bodies } = content.bodies
      return { ...content, bodies }
    })
    const message = 'Prompt deleted.'
    return { data: { topic_id, prompt_type, message }, meta: editMeta(topic.revision, warnings) }
  },
})

export const restorePrompt = defineOperation({
  ...admin,
  name: 'prompts.restore',
  tool: 'restore_prompt',
  http: 'POST /admin/prompts/{topic_id}/{prompt_type}/restore',
  title: 'Restore prompt',
  summary: 'Publish an earlier text again, as a new revision; also after the prompt was deleted.',
  effect: 'write',
  input: z.strictObject({
    ...address,
    version_id: z.string().min(1).max(200).describe('The text to restore; see prompt_history.'),
    expected_revision: ExpectedRevision,
  }),
  output: Prompt,
  async run(services, { topic_id, prompt_type, version_id, expected_revision }, { caller }) {
    const content = await services.prompts.readVersion(topic_id, prompt_type, version_id)
    return publishPrompt(services, { topic_id, prompt_type }, caller.subject, (info, text) => {
      if (info) assertPromptRevision(info, text, expected_revision)
      return content
    })
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
  input: z.strictObject({
    ...address,
    cursor: z.string().max(500).optional().describe('`meta.next_cursor` of the page before.'),
    limit: z.int().min(1).max(500).default(100).describe('Most versions of a page.'),
  }),
  output: z.array(
    z.object({
      version_id: z.string(),
      revision: z.int(),
      updated_at: z.string(),
      updated_by: z.string(),
      bytes: z.int(),
      sha256: z.string(),
      current: z.boolean(),
    }),
  ),
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
  async run({ catalog }, { topic_id, prompt_type, content, parameters }, { parameterStyle = 'json' }) {
    const topic = catalog.topic(topic_id)
    const bodies = { ...(await catalog.bodies(topic)), [prompt_type]: content }
    try {
      const { faults, warnings } = checkTopic(definitionOf(topic), bodies, (type) =>
        pathOf(type, prompt_type),
      )
      if (faults.length > 0) return { data: { valid: false, errors: faults, warnings } }
      if (parameters === undefined) return { data: { valid: true, errors: [], warnings } }
      const options = { style: parameterStyle, prefix: 'parameters' }
      const values = checkParameters(topic.allowed_parameters, parameters, options)
      return { data: { valid: true, errors: [], warnings, rendered: renderTemplate(content, values) } }
    } catch (thrown) {
      const { code, message, errors } = toAppError(thrown)
      if (code !== 'invalid_input' && code !== 'too_large') throw thrown
      const fault = { path: 'content', expected: 'a smaller text', message }
      return { data: { valid: false, errors: errors ?? [fault], warnings: [] } }
    }
  },
})

/** A fault of the edited text is one of the field `content`; another prompt of the topic is named. */
function pathOf(type: string, edited: string): string {
  return type === edited ? 'content' : `prompts.${type}`
}

function infoOf(topic: Topic, prompt_type: string): PromptInfo {
  const info = topic.prompts.find((prompt) => prompt.prompt_type === prompt_type)
  if (!info) throw notFound(topic.topic_id, prompt_type)
  return info
}

function assertPromptRevision(info: PromptInfo, content = '', expected: number | undefined): void {
  if (expected === undefined || expected === info.revision) return
  const { revision, updated_by, updated_at } = info
  throw new AppError(
    'conflict',
    `The prompt is at revision ${revision} since ${updated_at} by ${updated_by}.`,
    {
      current: { revision, content, updated_by, updated_at },
    },
  )
}

/** Changes the prompts of a topic that exists and is not deleted; `edit` answers `undefined` for no change. */
async function editPrompts(
  services: Services,
  topic_id: string,
  by: string,
  edit: (content: TopicContent, record: Topic) => TopicContent | undefined,
  editedType = '',
): Promise<Published> {
  let unchanged: Topic | undefined
  const published = await publish(
    services,
    topic_id,
    by,
    (content, record) => {
      if (!content || !record) throw notFound(topic_id)
      unchanged = record
      if (record.deleted_at === undefined) return edit(content, record)
      throw new AppError('conflict', `Topic "${topic_id}" is deleted; bring it back with update_topic first.`)
    },
    (type) => pathOf(type, editedType),
  )
  return published ?? { topic: unchanged as Topic, warnings: [] }
}

/** Publishes the text that `write` makes of the current one, and answers it as it is now. */
async function publishPrompt(
  services: Services,
  { topic_id, prompt_type }: { topic_id: string; prompt_type: string },
  by: string,
  write: (info: PromptInfo | undefined, content: string | undefined) => string,
): Promise<Answer<z.input<typeof Prompt>>> {
  let text = ''
  const { topic, warnings } = await editPrompts(
    services,
    topic_id,
    by,
    (content, record) => {
      const info = record.prompts.find((prompt) => prompt.prompt_type === prompt_type)
      text = write(info, content.bodies[prompt_type])
      // Saving what is there already makes no revision.
      if (info && text === content.bodies[prompt_type]) return undefined
      return { ...content, bodies: { ...content.bodies, [prompt_type]: text } }
    },
    prompt_type,
  )
  const info = infoOf(topic, prompt_type)
  return { ...promptAnswer(topic, info, text), meta: editMeta(info.revision, warnings) }
}

type Facts = Pick<PromptInfo, 'prompt_type' | 'revision' | 'sha256' | 'bytes' | 'updated_at' | 'updated_by'>

function promptAnswer(topic: Topic, facts: Facts, content: string): Answer<z.input<typeof Prompt>> {
  const { topic_id, allowed_parameters } = topic
  const { prompt_type, revision, sha256, bytes, updated_at, updated_by } = facts
  const about = { revision, sha256, bytes, updated_at, updated_by }
  return { data: { topic_id, prompt_type, content, allowed_parameters, ...about }, meta: { revision } }
}
