import * as z from 'zod'
import { AppError, notFound } from '../../domain/errors.ts'
import type { PromptInfo } from '../../domain/topic.ts'
import { defineOperation, type Services } from '../../pipeline/operation.ts'
import { editMeta, type Result } from '../../pipeline/result.ts'
import { type CurrentTopic, publish, UNCHANGED } from '../../services/publishing.ts'
import * as sample from '../sample.ts'
import { ExpectedRevision, expectedRevisions } from '../topics/edit.ts'
import { address, admin, Content, infoOf, Note, Prompt, pathOf, promptAnswer } from './record.ts'

export const createPrompt = defineOperation({
  ...admin,
  name: 'prompts.create',
  tool: 'create_prompt',
  http: 'POST /admin/prompts/{topic_id}/{prompt_type}',
  creates: '/admin/prompts/{topic_id}/{prompt_type}',
  title: 'Create prompt',
  summary: 'Add a prompt of a new type to a topic.',
  effect: 'write',
  cache: 'revision',
  input: z.strictObject({ ...address, content: Content, note: Note }),
  output: Prompt,
  example: { input: { ...sample.address, content: sample.content }, data: sample.prompt },
  run: (services, text, { caller }) =>
    publishPrompt(services, text, caller.subject, (info) => {
      const { topic_id, prompt_type } = text
      if (info) throw new AppError('conflict', `Topic "${topic_id}" has a prompt "${prompt_type}" already.`)
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
  cache: 'revision',
  headers: ['if-match'],
  input: z.strictObject({ ...address, content: Content, note: Note, expected_revision: ExpectedRevision }),
  output: Prompt,
  example: {
    input: { ...sample.address, content: sample.editedContent, note: sample.note, expected_revision: 1 },
    data: { ...sample.prompt, content: sample.editedContent, ...sample.second, note: sample.note },
  },
  run(services, { expected_revision, ...text }, context) {
    const expected = expectedRevisions(expected_revision, context)
    return publishPrompt(services, text, context.caller.subject, (info, current) => {
      if (!info) throw notFound(text.topic_id, text.prompt_type)
      assertPromptRevision(info, current, expected)
    })
  },
})

export const deletePrompt = defineOperation({
  ...admin,
  name: 'prompts.delete',
  tool: 'delete_prompt',
  http: 'DELETE /admin/prompts/{topic_id}/{prompt_type}',
  title: 'Delete prompt',
  summary: 'Remove a prompt from its topic; its history stays and restore_prompt brings it back.',
  effect: 'delete',
  cache: 'none',
  headers: ['if-match'],
  input: z.strictObject({ ...address, expected_revision: ExpectedRevision }),
  output: z.object({ topic_id: z.string(), prompt_type: z.string(), message: z.string() }),
  example: { input: sample.address, data: { ...sample.address, message: 'Prompt deleted.' } },
  async run(services, { topic_id, prompt_type, expected_revision }, context) {
    const expected = expectedRevisions(expected_revision, context)
    const { warnings } = await publish(services, { topic_id, by: context.caller.subject }, (current) => {
      const { record, content } = editable(current, topic_id)
      const info = infoOf(record, prompt_type)
      const { [prompt_type]: text, ...texts } = content.texts
      assertPromptRevision(info, text, expected)
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
  cache: 'revision',
  headers: ['if-match'],
  input: z.strictObject({
    ...address,
    version_id: z.string().min(1).max(200).describe('The text to restore; see prompt_history.'),
    note: Note,
    expected_revision: ExpectedRevision,
  }),
  output: Prompt,
  example: {
    input: { ...sample.address, version_id: '1' },
    data: { ...sample.prompt, revision: 3, updated_at: sample.UPDATED_AT },
  },
  async run(services, { topic_id, prompt_type, version_id, note, expected_revision }, context) {
    const expected = expectedRevisions(expected_revision, context)
    const by = context.caller.subject
    const { content } = await services.prompts.readVersion(topic_id, prompt_type, version_id)
    return publishPrompt(services, { topic_id, prompt_type, content, note }, by, (info, text) => {
      if (info) assertPromptRevision(info, text, expected)
      else if (expected) throw new AppError('conflict', 'The prompt is deleted.')
    })
  },
})

function assertPromptRevision(info: PromptInfo, content = '', expected: readonly number[] | undefined): void {
  if (!expected || expected.includes(info.revision)) return
  const { revision, updated_by, updated_at } = info
  throw new AppError(
    'conflict',
    `The prompt is at revision ${revision} since ${updated_at} by ${updated_by}.`,
    {
      current: { revision, content, updated_by, updated_at },
    },
  )
}

/** @throws AppError `not_found`, or `conflict` for a deleted topic. */
function editable(current: CurrentTopic | undefined, topic_id: string): CurrentTopic {
  if (!current) throw notFound(topic_id)
  if (current.record.deleted_at === undefined) return current
  throw new AppError('conflict', `Topic "${topic_id}" is deleted; bring it back with update_topic first.`)
}

interface NewText {
  topic_id: string
  prompt_type: string
  content: string
  note?: string | undefined
}

/**
 * Publishes a text and answers it as it is now. What is there already makes no revision.
 *
 * @param assertAllowed throws to refuse, given the current text and the facts of it, if there is one.
 */
async function publishPrompt(
  services: Services,
  { topic_id, prompt_type, content: text, note }: NewText,
  by: string,
  assertAllowed: (info: PromptInfo | undefined, text: string | undefined) => void,
): Promise<Result<z.input<typeof Prompt>>> {
  const target = { topic_id, by, note, pathOf: (type: string) => pathOf(type, prompt_type) }
  const { topic, warnings } = await publish(services, target, (current) => {
    const { record, content } = editable(current, topic_id)
    const info = record.prompts.find((prompt) => prompt.prompt_type === prompt_type)
    const currentText = content.texts[prompt_type]
    assertAllowed(info, currentText)
    if (info && text === currentText) return UNCHANGED
    return { ...content, texts: { ...content.texts, [prompt_type]: text } }
  })
  const info = infoOf(topic, prompt_type)
  return { ...promptAnswer(topic, info, text), meta: editMeta(info.revision, warnings) }
}
