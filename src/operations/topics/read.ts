import * as z from 'zod'
import { hasRole } from '../../domain/caller.ts'
import { TopicId } from '../../domain/identifiers.ts'
import { ParameterDefinition } from '../../domain/parameters.ts'
import { definitionOf, Topic, TopicDefinition } from '../../domain/topic.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { Cursor, pageOf } from '../../pipeline/paging.ts'
import * as sample from '../sample.ts'

const { name, type } = ParameterDefinition.shape

const TopicSummary = TopicDefinition.extend({
  allowed_parameters: z
    .array(z.object({ name, type, required: z.boolean() }))
    .describe(
      'The rest of each definition comes with get_topic, and with include_parameters of get_prompts.',
    ),
  available_prompts: z.array(z.string()),
  revision: z.int(),
  updated_at: z.string(),
  updated_by: z.string(),
  deleted_at: z.string().optional(),
})

export const listTopics = defineOperation({
  name: 'topics.list',
  tool: 'list_topics',
  http: 'GET /prompts',
  adminRoute: { http: 'GET /admin/prompts', role: 'admin', limit: 'admin', cache: 'none' },
  title: 'List topics',
  summary: 'List topics without their texts, by display order, then id.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'content',
  input: z.strictObject({
    topic_type: z.string().optional().describe('Only this type, for example kpi_system.'),
    category: z.string().optional().describe('Only this category.'),
    is_active: z
      .boolean()
      .optional()
      .describe('Only active or only inactive topics. Services see active ones only.'),
    deleted: z.boolean().default(false).describe('Deleted topics instead of existing ones (administrators).'),
    q: z
      .string()
      .max(200)
      .optional()
      .describe('Only topics whose id, name or description contains this text.'),
    cursor: Cursor,
    limit: z.int().min(1).max(500).default(100).describe('Most topics of a page.'),
  }),
  output: z.array(TopicSummary),
  example: {
    input: { topic_type: 'kpi_system' },
    data: [
      {
        ...sample.definition,
        available_prompts: [sample.address.prompt_type],
        revision: 2,
        ...sample.updatedStamp,
      },
    ],
  },
  async run({ catalog }, filter, { caller }) {
    const seesAll = hasRole(caller, 'admin')
    const needle = filter.q?.toLowerCase()
    const wanted = (topic: Topic) =>
      (seesAll || topic.is_active) &&
      (topic.deleted_at !== undefined) === filter.deleted &&
      (filter.topic_type === undefined || topic.topic_type === filter.topic_type) &&
      (filter.category === undefined || topic.category === filter.category) &&
      (filter.is_active === undefined || topic.is_active === filter.is_active) &&
      (needle === undefined || searchText(topic).includes(needle))
    const { page, ...more } = pageOf(catalog.list().filter(wanted), filter.cursor, filter.limit)
    return { data: page.map(summaryOf), ...more }
  },
})

export const getTopic = defineOperation({
  name: 'topics.get',
  tool: 'get_topic',
  http: 'GET /admin/prompts/{topic_id}',
  title: 'Get topic',
  summary: "Get a topic's record, in whatever state it is, without its texts.",
  role: 'admin',
  effect: 'read',
  limit: 'admin',
  cache: 'revision',
  input: z.strictObject({ topic_id: TopicId }),
  output: Topic.extend({ available_prompts: z.array(z.string()) }),
  example: { input: sample.id, data: sample.topic },
  async run({ catalog }, { topic_id }) {
    const topic = catalog.topic(topic_id)
    return { data: { ...topic, available_prompts: promptTypes(topic) }, meta: { revision: topic.revision } }
  },
})

function summaryOf(topic: Topic): z.infer<typeof TopicSummary> {
  const { revision, updated_at, updated_by, deleted_at } = topic
  return {
    ...definitionOf(topic),
    // Descriptions, defaults and rules would be most of a long list.
    allowed_parameters: topic.allowed_parameters.map(({ name, type, required }) => ({
      name,
      type,
      required,
    })),
    available_prompts: promptTypes(topic),
    revision,
    updated_at,
    updated_by,
    ...(deleted_at !== undefined && { deleted_at }),
  }
}

/** Types of the prompts that a topic has: `available_prompts`. */
export function promptTypes(topic: Topic): string[] {
  return topic.prompts.map((info) => info.prompt_type)
}

function searchText({ topic_id, topic_name, description = '' }: Topic): string {
  return `${topic_id}\n${topic_name}\n${description}`.toLowerCase()
}
