import * as z from 'zod'
import { AppError, notFound } from '../../domain/errors.ts'
import type { PromptInfo, Topic, TopicContent } from '../../domain/topic.ts'
import { defineOperation, editMeta, type Result, type Services } from '../../pipeline/operation.ts'
import { type Published, publishEdit } from '../../services/publishing.ts'
import { ExpectedRevision } from '../topics/edit.ts'
import { address, admin, Content, infoOf, Prompt, pathOf, promptAnswer } from './record.ts'

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
    const { warnings } = await editPrompts(services, topic_id, caller.subject, (content, record) => {
      const info = infoOf(record, prompt_type)
      assertPromptRevision(info, content.texts[prompt_type], expected_revision)
      const { [prompt_type]: _, ...texts } = content.texts
      return { ...content, texts }
    })
    const message = 'Prompt deleted.'
    return { data: { topic_id, prompt_type, message }, ...(warnings.length > 0 && { meta: { warnings } }) }
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
    const { content } = await services.prompts.readVersion(topic_id, prompt_type, version_id)
    return publishPrompt(services, { topic_id, prompt_type }, caller.subject, (info, text) => {
      if (info) assertPromptRevision(info, text, expected_revision)
      else if (expected_revision !== undefined) throw new AppError('conflict', 'The prompt is deleted.')
      return content
    })
  },
})

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
function editPrompts(
  services: Services,
  topic_id: string,
  by: string,
  edit: (content: TopicContent, record: Topic) => TopicContent | undefined,
  editedType = '',
): Promise<Published> {
  const editUndeleted = (content: TopicContent, record: Topic) => {
    if (record.deleted_at === undefined) return edit(content, record)
    throw new AppError('conflict', `Topic "${topic_id}" is deleted; bring it back with update_topic first.`)
  }
  return publishEdit(services, topic_id, by, editUndeleted, (type) => pathOf(type, editedType))
}

/** Publishes the text that `write` makes of the current one, and answers it as it is now. */
async function publishPrompt(
  services: Services,
  { topic_id, prompt_type }: { topic_id: string; prompt_type: string },
  by: string,
  write: (info: PromptInfo | undefined, content: string | undefined) => string,
): Promise<Result<z.input<typeof Prompt>>> {
  let text = ''
  const { topic, warnings } = await editPrompts(
    services,
    topic_id,
    by,
    (content, record) => {
      const info = record.prompts.find((prompt) => prompt.prompt_type === prompt_type)
      text = write(info, content.texts[prompt_type])
      // Saving what is there already makes no revision.
      if (info && text === content.texts[prompt_type]) return undefined
      return { ...content, texts: { ...content.texts, [prompt_type]: text } }
    },
    prompt_type,
  )
  const info = infoOf(topic, prompt_type)
  return { ...promptAnswer(topic, info, text), meta: editMeta(info.revision, warnings) }
}
