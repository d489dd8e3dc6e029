import * as z from 'zod'
import { notFound } from '../../domain/errors.ts'
import { PromptType, plainLines, TopicId } from '../../domain/identifiers.ts'
import { ParameterDefinitions } from '../../domain/parameters.ts'
import { type PromptVersion, versionFacts } from '../../domain/prompt-store.ts'
import type { PromptInfo, Topic } from '../../domain/topic.ts'
import type { Result } from '../../pipeline/result.ts'

/** What operations on one prompt answer. */
export const Prompt = z.object({
  topic_id: z.string(),
  prompt_type: z.string(),
  content: z.string(),
  allowed_parameters: ParameterDefinitions,
  revision: z.int(),
  sha256: z.string(),
  bytes: z.int(),
  updated_at: z.string(),
  updated_by: z.string(),
  note: z.string().optional(),
})
export const Note = plainLines(500)
  .optional()
  .describe('What changes and why, for those who read the history.')
export const Content = z.string().describe('The text, in Markdown with {{variables}}.')
/** Fields of every such operation, and what they have in common. */
export const address = { topic_id: TopicId, prompt_type: PromptType }
export const admin = { role: 'admin', limit: 'admin' } as const

/** An error of the edited text is one of the field `content`; another prompt of the topic is named. */
export function pathOf(type: string, edited: string): string {
  return type === edited ? 'content' : `prompts.${type}`
}

/** @throws AppError `not_found`. */
export function infoOf(topic: Topic, prompt_type: string): PromptInfo {
  const info = topic.prompts.find((prompt) => prompt.prompt_type === prompt_type)
  if (!info) throw notFound(topic.topic_id, prompt_type)
  return info
}

type Facts = Omit<PromptVersion, 'version_id'> & Pick<PromptInfo, 'prompt_type'>

export function promptAnswer(topic: Topic, facts: Facts, content: string): Result<z.input<typeof Prompt>> {
  const { topic_id, allowed_parameters } = topic
  const { prompt_type, revision } = facts
  const data = { topic_id, prompt_type, content, allowed_parameters, ...versionFacts(facts) }
  return { data, meta: { revision } }
}
