import { maskEscapes, scanTags, unmaskEscapes } from '../../domain/template/tags.ts'
import type { TopicContent } from '../../domain/topic.ts'
import { type NewPrompt, PRODUCTION } from './format.ts'

/** Prompts that one import of Langfuse takes at most. */
export const MAX_IMPORT = 500
/** Pages of its own have these names, so that it takes no file with a prompt of such a name. */
const RESERVED = ['new', 'metrics']
/** In the order in which models are sent them. */
const ROLES = ['system', 'user', 'assistant']

/** Topics in Langfuse's import format, and what a person should know of what it cannot hold. */
export interface ExportedPrompts {
  prompts: NewPrompt[]
  notes: string[]
}

/**
 * A topic with nothing but a `user` text is a text prompt, any other a chat prompt; active ones are in production.
 *
 * @param contents topics with at least one text each; others are noted.
 */
export function promptsOf(contents: readonly TopicContent[]): ExportedPrompts {
  const prompts: NewPrompt[] = []
  const notes: string[] = []
  for (const content of contents) {
    const { topic_id } = content.definition
    if (RESERVED.includes(topic_id)) {
      notes.push(`${topic_id}: left out, Langfuse keeps this name for itself.`)
      continue
    }
    if (Object.keys(content.texts).length === 0) notes.push(`${topic_id}: left out, it has no text.`)
    else prompts.push(promptOf(content))
    if (Object.values(content.texts).some(hasSections)) {
      notes.push(`${topic_id}: has sections, which Langfuse shows as text; some of its SDKs render them.`)
    }
  }
  return { prompts, notes }
}

function promptOf({ definition, texts }: TopicContent): NewPrompt {
  const { topic_id, category, is_active, config } = definition
  const { default_model, tags = [category], ...others } = config as typeof config & { tags?: string[] }
  const messages = Object.entries(texts)
    .sort(([a], [b]) => positionOf(a) - positionOf(b) || (a < b ? -1 : 1))
    .map(([type, text]) => ({ role: roleOf(type), content: withoutEscapes(text) }))
  const [only] = messages
  const isText = messages.length === 1 && only?.role === 'user'
  return {
    name: topic_id,
    type: isText ? 'text' : 'chat',
    prompt: isText ? only.content : messages,
    labels: is_active ? [PRODUCTION] : [],
    tags,
    config: { ...(default_model !== undefined && { model: default_model }), ...others },
  }
}

/** The first text of each role in turn, then the second ones. */
function positionOf(type: string): number {
  const [, number] = /_(\d+)$/.exec(type) ?? []
  const role = ROLES.indexOf(roleOf(type))
  return Number(number ?? 1) * (ROLES.length + 1) + (role === -1 ? ROLES.length : role)
}

function roleOf(type: string): string {
  return type.replace(/_\d+$/, '')
}

function withoutEscapes(text: string): string {
  return unmaskEscapes(maskEscapes(text))
}

function hasSections(text: string): boolean {
  return [...scanTags(maskEscapes(text))].some(({ sigil }) => sigil !== '')
}
