import pMap from 'p-map'
import * as z from 'zod'
import { hasRole } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import { TopicId } from '../../domain/identifiers.ts'
import { ParameterDefinition } from '../../domain/parameters.ts'
import { definitionOf, Topic, TopicDefinition } from '../../domain/topic.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { Cursor, pageOf } from '../../pipeline/paging.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import * as sample from '../sample.ts'

const { name, type } = ParameterDefinition.shape
/** Topics whose texts are searched at a time, should the store have to be asked for them. */
const CONCURRENCY = 32

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
    in_texts: z
      .boolean()
      .default(false)
      .describe('Also topics that have q in a prompt text (administrators).'),
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
    // For a service this would be the dearest read of all, and it can have the texts themselves.
    if (filter.in_texts && !seesAll)
      throw new AppError('forbidden', 'A search in texts needs the role "admin".')
    const wanted = (topic: Topic) =>
      (seesAll || topic.is_active) &&
      (topic.deleted_at !== undefined) === filter.deleted &&
      (filter.topic_type === undefined || topic.topic_type === filter.topic_type) &&
      (filter.category === undefined || topic.category === filter.category) &&
      (filter.is_active === undefined || topic.is_active === filter.is_active)
    const all = catalog.list().filter(wanted)
    const found = needle === undefined ? all : await search(catalog, all, needle, filter.in_texts)
    const { page, ...more } = pageOf(found, filter.cursor, filter.limit)
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

/** The topics that contain `needle`, which is in lower case. */
async function search(
  catalog: Catalog,
  topics: readonly Topic[],
  needle: string,
  inTexts: boolean,
): Promise<readonly Topic[]> {
  const contains = (text: string) => text.toLowerCase().includes(needle)
  const inRecord = ({ topic_id, topic_name, description = '' }: Topic) =>
    contains(`${topic_id}\n${topic_name}\n${description}`)
  if (!inTexts) return topics.filter(inRecord)
  const isFound = await pMap(
    topics,
    async (topic) => inRecord(topic) || Object.values(await catalog.texts(topic)).some(contains),
    { concurrency: CONCURRENCY },
  )
  return topics.filter((_, index) => isFound[index])
}
