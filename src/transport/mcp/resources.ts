import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ReadResourceResult,
  type Resource,
  ResourceNotFoundError,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import { notFound, toAppError } from '../../domain/errors.ts'
import { parametersSchema } from '../../domain/parameters.ts'
import type { Topic } from '../../domain/topic.ts'
import { MAX_DEPTH, parseInput } from '../../domain/validation.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { Cursor, pageOf } from '../../pipeline/paging.ts'
import { executeOperation, type McpContext, type Params } from './context.ts'
import { readSkill, topicOfSkill } from './skills.ts'
import { topicsThat } from './topics.ts'
import { canonicalUri } from './uris.ts'

/** Topics of a page; each is one resource and one for every prompt. */
const PAGE_TOPICS = 500

const URI = /^prompt:\/\/([^/?#]+)(?:\/([^/?#]+))?$/

const TEMPLATES: ResourceTemplateType[] = [
  {
    name: 'topic',
    title: 'Topic with all its prompts',
    uriTemplate: 'prompt://{topic_id}',
    description: "A topic's facts, parameters and prompt texts as JSON.",
    mimeType: 'application/json',
  },
  {
    name: 'prompt',
    title: 'Prompt text',
    uriTemplate: 'prompt://{topic_id}/{prompt_type}',
    description: 'One prompt text as it is stored, with its {{variables}}.',
    mimeType: 'text/markdown',
  },
]

const activeTopics = topicsThat(({ is_active }) => is_active)

const list = defineOperation({
  name: 'mcp.resources.list',
  title: 'List MCP resources',
  summary: 'Every active topic and each of its prompts.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'none',
  input: z.object({ cursor: Cursor }),
  output: z.custom<Resource[]>(Array.isArray),
  async run({ catalog }, { cursor }) {
    const { page, ...more } = pageOf(activeTopics(catalog), cursor, PAGE_TOPICS)
    return { data: page.flatMap(resourcesOf), ...more }
  },
})

const read = defineOperation({
  name: 'mcp.resources.read',
  title: 'Read MCP resource',
  summary: 'A topic as JSON, or one prompt text as Markdown.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'none',
  input: z.object({ topic_id: z.string(), prompt_type: z.string().optional() }),
  output: z.object({ text: z.string(), mimeType: z.string() }),
  async run({ catalog }, { topic_id, prompt_type }) {
    const topic = catalog.published(topic_id)
    const prompts = await catalog.texts(topic)
    const served = [topic_id]
    if (prompt_type === undefined) {
      const { topic_name, topic_type, category, description, revision, allowed_parameters } = topic
      const parameters_schema = parametersSchema(allowed_parameters)
      const facts = {
        topic_id,
        topic_name,
        topic_type,
        category,
        description,
        revision,
        parameters_schema,
        prompts,
      }
      return { data: { text: JSON.stringify(facts, null, 2), mimeType: 'application/json' }, served }
    }
    const text = Object.hasOwn(prompts, prompt_type) ? prompts[prompt_type] : undefined
    if (text === undefined) throw notFound(topic_id, prompt_type)
    return { data: { text, mimeType: 'text/markdown' }, served }
  },
})

export async function listResources(context: McpContext, { cursor }: Params): Promise<ListResourcesResult> {
  const { data, meta } = await executeOperation(context, list, { cursor })
  return { resources: data, ...(meta?.next_cursor !== undefined && { nextCursor: meta.next_cursor }) }
}

export function listResourceTemplates(): ListResourceTemplatesResult {
  return { resourceTemplates: TEMPLATES }
}

export async function readResource(context: McpContext, params: Params): Promise<ReadResourceResult> {
  const { uri } = parseInput(z.object({ uri: z.string() }), params, MAX_DEPTH)
  const listed = canonicalUri(uri)
  const skill = topicOfSkill(listed)
  const [, topic_id, prompt_type] = URI.exec(listed) ?? []
  if (skill === undefined && topic_id === undefined) throw new ResourceNotFoundError(uri)
  try {
    const { data, meta } = await (skill === undefined
      ? executeOperation(context, read, { topic_id, prompt_type })
      : readSkill(context, skill))
    return { contents: [{ uri, ...data }], ...(meta?.stale && { _meta: { stale: true, as_of: meta.as_of } }) }
  } catch (error) {
    // Clients recognise a missing resource by its data, which is the URI alone.
    throw toAppError(error).code === 'not_found' ? new ResourceNotFoundError(uri) : error
  }
}

/** URI of a topic, or of one of its prompts. */
export function resourceUri(topic_id: string, prompt_type?: string): string {
  return prompt_type === undefined ? `prompt://${topic_id}` : `prompt://${topic_id}/${prompt_type}`
}

/** The resources of a topic as clients list them. */
export function resourcesOf(topic: Topic): Resource[] {
  const { topic_id, topic_name, description, prompts } = topic
  const about = description !== undefined && { description }
  return [
    { uri: resourceUri(topic_id), name: topic_id, title: topic_name, ...about, mimeType: 'application/json' },
    ...prompts.map(({ prompt_type, bytes }) => ({
      uri: resourceUri(topic_id, prompt_type),
      name: `${topic_id}/${prompt_type}`,
      title: `${topic_name} – ${prompt_type}`,
      ...about,
      mimeType: 'text/markdown',
      size: bytes,
    })),
  ]
}
