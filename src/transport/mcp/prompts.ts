import type { GetPromptResult, ListPromptsResult, Prompt, PromptMessage } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { notFound } from '../../domain/errors.ts'
import { TopicId } from '../../domain/identifiers.ts'
import { describeParameter } from '../../domain/parameters.ts'
import type { Topic } from '../../domain/topic.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { Cursor, pageOf } from '../../pipeline/paging.ts'
import { renderTopic } from '../../services/rendering.ts'
import { JsonObject } from '../../util/json.ts'
import { executeOperation, type McpContext, type Params } from './context.ts'
import { topicsThat } from './topics.ts'

/** Many clients never ask for a second page. */
const PAGE_SIZE = 500

/** Prompt types that make messages, in their order, and who says them: MCP has no system role. */
const MESSAGE_ROLES = { system: 'user', user: 'user', assistant: 'assistant' } as const
const MESSAGE_TYPES = Object.keys(MESSAGE_ROLES) as (keyof typeof MESSAGE_ROLES)[]

const list = defineOperation({
  name: 'mcp.prompts.list',
  title: 'List MCP prompts',
  summary: 'One prompt for each active topic that has messages.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'none',
  input: z.object({ cursor: Cursor }),
  output: z.custom<Prompt[]>(Array.isArray),
  async run({ catalog }, { cursor }) {
    const { page, ...more } = pageOf(promptTopics(catalog), cursor, PAGE_SIZE)
    return { data: page.map(promptOf), ...more }
  },
})

const get = defineOperation({
  name: 'mcp.prompts.get',
  title: 'Get MCP prompt',
  summary: 'The messages of a topic, rendered with checked arguments.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'none',
  wholeBody: 'arguments',
  about: ({ name }) => ({ topic_id: name }),
  input: z.object({ name: TopicId, arguments: JsonObject.default({}) }),
  output: z.custom<GetPromptResult>((value) => typeof value === 'object'),
  async run({ catalog }, { name, arguments: given }) {
    if (!isPrompt(catalog.published(name))) throw notFound(name)
    const { topic, prompts } = await renderTopic(catalog, name, given, { style: 'text', prefix: '' })
    const messages = MESSAGE_TYPES.flatMap((type): PromptMessage[] => {
      const text = prompts[type]
      return text === undefined ? [] : [{ role: MESSAGE_ROLES[type], content: { type: 'text', text } }]
    })
    const { revision, description } = topic
    const facts = topic.prompts
      .filter(({ prompt_type }) => prompt_type in MESSAGE_ROLES)
      .map(({ prompt_type, revision, sha256 }) => ({ prompt_type, revision, sha256 }))
    return {
      data: {
        ...(description !== undefined && { description }),
        messages,
        _meta: { revision, prompts: facts },
      },
      served: [name],
    }
  },
})

export async function listPrompts(context: McpContext, { cursor }: Params): Promise<ListPromptsResult> {
  const { data, meta } = await executeOperation(context, list, { cursor })
  return { prompts: data, ...(meta?.next_cursor !== undefined && { nextCursor: meta.next_cursor }) }
}

export async function getPrompt(context: McpContext, params: Params): Promise<GetPromptResult> {
  const input = { name: params['name'], arguments: params['arguments'] }
  const { data, meta } = await executeOperation(context, get, input, { parameterPrefix: '' })
  return meta?.stale ? { ...data, _meta: { ...data._meta, stale: true, as_of: meta.as_of } } : data
}

/** Whether clients see the topic as a prompt. */
export function isPrompt(topic: Topic): boolean {
  return topic.is_active && topic.prompts.some(({ prompt_type }) => prompt_type in MESSAGE_ROLES)
}

const prompts = new WeakMap<Topic, Prompt>()
const promptTopics = topicsThat(isPrompt)

/** The topic as clients list it. Records never change in place, so it is made once for each. */
export function promptOf(topic: Topic): Prompt {
  let prompt = prompts.get(topic)
  if (!prompt) {
    prompt = {
      name: topic.topic_id,
      title: topic.topic_name,
      ...(topic.description !== undefined && { description: topic.description }),
      arguments: topic.allowed_parameters.map((definition) => ({
        name: definition.name,
        description: describeParameter(definition),
        required: definition.required && definition.default === undefined,
      })),
    }
    prompts.set(topic, prompt)
  }
  return prompt
}
