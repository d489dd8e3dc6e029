import type { Topic } from '../../rest/topics.ts'
import type { RecordPlace, TopicChanges } from '../use-record-edit.ts'

/** What people write about a topic; numbers are text while they are typed, and empty ones are not there. */
export interface Details {
  topic_name: string
  category: string
  description: string
  external_id: string
  display_order: string
  is_active: boolean
  default_model: string
  temperature: string
  max_tokens: string
  max_turns: string
  supports_streaming: boolean
}

const textOf = (value: number | undefined) => (value === undefined ? '' : String(value))

function read(topic: Topic): Details {
  const { topic_name, category, description = '', external_id = '', display_order, is_active, config } = topic
  return {
    topic_name,
    category,
    description,
    external_id,
    display_order: String(display_order),
    is_active,
    default_model: config.default_model ?? '',
    temperature: textOf(config.temperature),
    max_tokens: textOf(config.max_tokens),
    max_turns: textOf(config.max_turns),
    supports_streaming: config.supports_streaming ?? false,
  }
}

const CONFIG = ['default_model', 'temperature', 'max_tokens', 'max_turns', 'supports_streaming'] as const

function changesOf(edits: Partial<Details>, topic: Topic): TopicChanges {
  const { topic_name, category, description, external_id, display_order, is_active } = edits
  return {
    ...(topic_name !== undefined && { topic_name }),
    ...(category !== undefined && { category }),
    ...(description !== undefined && { description: description === '' ? null : description }),
    ...(external_id !== undefined && { external_id: external_id === '' ? null : external_id }),
    ...(display_order !== undefined && { display_order: Number(display_order) }),
    ...(is_active !== undefined && { is_active }),
    ...(CONFIG.some((name) => name in edits) && { config: configWith(edits, topic) }),
  }
}

/** The model settings are replaced whole: what is not edited here stays as it is. */
function configWith(edits: Partial<Details>, { config }: Topic): TopicChanges['config'] {
  const next: Record<string, unknown> = { ...config }
  for (const name of CONFIG) {
    const value = edits[name]
    if (value === undefined) continue
    if (value === '' || value === false) delete next[name]
    else next[name] = name === 'default_model' || value === true ? value : Number(value)
  }
  return next
}

export const DETAILS: RecordPlace<Details> = { name: 'details', read, changesOf }
