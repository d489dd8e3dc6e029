import * as z from 'zod'
import { AppError, invalidInput, notFound } from '../../domain/errors.ts'
import { PromptType, TopicId } from '../../domain/identifiers.ts'
import type { ParameterDefinition } from '../../domain/parameters.ts'
import { Topic, TopicDefinition } from '../../domain/topic.ts'
import { type CallContext, defineOperation } from '../../pipeline/operation.ts'
import { editMeta, type Result } from '../../pipeline/result.ts'
import { type Published, publish, UNCHANGED } from '../../services/publishing.ts'
import { sameJson } from '../../util/json.ts'
import * as sample from '../sample.ts'
import { promptTypes } from './read.ts'

/** Optional on every write: refuses the edit when its base has changed meanwhile. */
export const ExpectedRevision = z
  .int()
  .positive()
  .optional()
  .describe('The revision that the edit was made from; another one is a conflict.')

/** The revisions that an edit may be made from: what the field says, else `If-Match`; `undefined` means any. */
export function expectedRevisions(
  expected_revision: number | undefined,
  { ifMatch }: CallContext,
): readonly number[] | undefined {
  return expected_revision === undefined ? ifMatch : [expected_revision]
}

const EditedTopic = Topic.extend({ available_prompts: z.array(z.string()), message: z.string() })

export const createTopic = defineOperation({
  name: 'topics.create',
  tool: 'create_topic',
  http: 'POST /admin/prompts',
  creates: '/admin/prompts/{topic_id}',
  title: 'Create topic',
  summary: 'Create a topic, with its first prompts or without; all of it or nothing.',
  role: 'admin',
  effect: 'write',
  limit: 'admin',
  cache: 'revision',
  input: TopicDefinition.extend({
    prompts: z.record(PromptType, z.string()).optional().describe('First prompt texts by prompt type.'),
  }),
  output: EditedTopic,
  example: {
    input: sample.request,
    data: { ...sample.newTopic, message: 'Topic created. Now create prompts for this topic.' },
  },
  async run(services, { prompts: texts = {}, ...definition }, { caller }) {
    const { topic_id, topic_type } = definition
    assertCreatable(services.creatableTypes, topic_type)
    const published = await publish(services, { topic_id, by: caller.subject }, (current) => {
      if (current) throw new AppError('conflict', takenMessage(current.record))
      return { definition, texts }
    })
    const hint = Object.keys(texts).length > 0 ? '' : ' Now create prompts for this topic.'
    return editedTopic(published, `Topic created.${hint}`)
  },
})

function assertCreatable(creatable: readonly string[], topic_type: string): void {
  if (creatable.includes(topic_type)) return
  const expected = `one of ${creatable.join(', ')}`
  const message = `Topics of this type are seeded or imported; ${expected} can be created (PROMPTS_CREATABLE_TYPES).`
  throw invalidInput([{ path: 'topic_type', expected, message }])
}

function takenMessage({ topic_id, deleted_at }: Topic): string {
  return deleted_at === undefined
    ? `There is a topic "${topic_id}" already.`
    : `The id "${topic_id}" belongs to a deleted topic; update it with is_active: true to bring it back.`
}

const {
  topic_name,
  category,
  description,
  display_order,
  is_active,
  allowed_parameters,
  config,
  external_id,
} = TopicDefinition.shape

export const updateTopic = defineOperation({
  name: 'topics.update',
  tool: 'update_topic',
  http: 'PUT /admin/prompts/{topic_id}',
  title: 'Update topic',
  summary: 'Change the given fields of a topic; is_active: true brings a deleted one back.',
  role: 'admin',
  effect: 'write',
  limit: 'admin',
  cache: 'revision',
  headers: ['if-match'],
  input: z.strictObject({
    topic_id: TopicId,
    topic_name: topic_name.optional(),
    category: category.optional(),
    description: description.nullable().describe('null clears it.'),
    display_order: display_order.unwrap().optional(),
    is_active: is_active.unwrap().optional(),
    allowed_parameters: allowed_parameters.unwrap().optional().describe('Replaced whole.'),
    config: config.unwrap().optional().describe('Replaced whole.'),
    external_id: external_id.nullable().describe('null clears it.'),
    expected_revision: ExpectedRevision,
  }),
  output: EditedTopic,
  example: {
    input: { ...sample.id, description: 'Revenue against its threshold.', expected_revision: 2 },
    data: {
      ...sample.topic,
      description: 'Revenue against its threshold.',
      revision: 3,
      updated_at: sample.UPDATED_AT,
      message: 'Topic updated.',
    },
  },
  async run(services, { topic_id, expected_revision, ...changes }, context) {
    const expected = expectedRevisions(expected_revision, context)
    const { before, topic, warnings } = await publish(
      services,
      { topic_id, by: context.caller.subject },
      (current) => {
        if (!current) throw notFound(topic_id)
        const { record, content } = current
        assertTopicRevision(record, expected)
        if (record.deleted_at !== undefined && changes.is_active !== true) {
          throw new AppError('conflict', `Topic "${topic_id}" is deleted; is_active: true brings it back.`)
        }
        const definition = withChanges(content.definition, changes)
        // Saving what is there already makes no revision; bringing back a deleted topic does.
        const isSame = record.deleted_at === undefined && sameJson(definition, content.definition)
        return isSame ? UNCHANGED : { definition, texts: content.texts }
      },
    )
    const dropped = droppedNames(before?.record.allowed_parameters ?? [], changes.allowed_parameters)
    const gone = dropped.map((name) => ({
      path: 'allowed_parameters',
      message: `"${name}" is gone: callers that still send it are refused.`,
    }))
    return editedTopic({ topic, warnings: [...warnings, ...gone] }, 'Topic updated.')
  },
})

type Changes = { [Field in keyof TopicDefinition]?: TopicDefinition[Field] | null | undefined }

/** The definition with the given fields replaced; `null` removes a field. */
function withChanges(definition: TopicDefinition, changes: Changes): TopicDefinition {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  const merged = { ...definition, ...Object.fromEntries(given) }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)) as TopicDefinition
}

function droppedNames(
  before: readonly ParameterDefinition[],
  after: readonly ParameterDefinition[] | undefined,
): string[] {
  const kept = new Set(after?.map((parameter) => parameter.name))
  return after ? before.map((parameter) => parameter.name).filter((name) => !kept.has(name)) : []
}

export const deleteTopic = defineOperation({
  name: 'topics.delete',
  tool: 'delete_topic',
  http: 'DELETE /admin/prompts/{topic_id}',
  title: 'Delete topic',
  summary: 'Delete a topic softly: nobody is served it, its id stays taken, update_topic brings it back.',
  role: 'admin',
  effect: 'delete',
  limit: 'admin',
  cache: 'none',
  headers: ['if-match'],
  input: z.strictObject({ topic_id: TopicId, expected_revision: ExpectedRevision }),
  output: z.object({ topic_id: z.string(), message: z.string() }),
  example: { input: sample.id, data: { ...sample.id, message: 'Topic deleted.' } },
  async run(services, { topic_id, expected_revision }, context) {
    const expected = expectedRevisions(expected_revision, context)
    const { topic } = await publish(services, { topic_id, by: context.caller.subject }, (current) => {
      if (!current || current.record.deleted_at !== undefined) throw notFound(topic_id)
      assertTopicRevision(current.record, expected)
      return { ...current.content, deleted: true }
    })
    return { data: { topic_id, message: 'Topic deleted.' }, meta: { revision: topic.revision } }
  },
})

function assertTopicRevision(record: Topic, expected: readonly number[] | undefined): void {
  if (!expected || expected.includes(record.revision)) return
  const { topic_id, revision, updated_by, updated_at } = record
  throw new AppError(
    'conflict',
    `Topic "${topic_id}" is at revision ${revision} since ${updated_at} by ${updated_by}.`,
  )
}

function editedTopic(
  { topic, warnings }: Pick<Published, 'topic' | 'warnings'>,
  message: string,
): Result<z.input<typeof EditedTopic>> {
  return {
    data: { ...topic, available_prompts: promptTypes(topic), message },
    meta: editMeta(topic.revision, warnings),
  }
}
