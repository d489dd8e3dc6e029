import type { ParameterDefinition } from '../../src/domain/parameters.ts'
import { fingerprint, promptKey } from '../../src/domain/prompt-store.ts'
import type { PromptTexts, Topic, TopicContent } from '../../src/domain/topic.ts'
import { systemClock } from '../../src/util/time.ts'

/** A topic with its texts, as somebody would write it. */
export function topicContent(
  topic_id: string,
  texts: PromptTexts = {},
  parameters: ParameterDefinition[] = [],
): TopicContent {
  return {
    definition: {
      topic_id,
      topic_name: `Topic ${topic_id}`,
      topic_type: 'single_shot',
      category: 'analysis',
      display_order: 100,
      is_active: true,
      allowed_parameters: parameters,
      config: {},
    },
    texts,
  }
}

/** A record to save: every text at `promptRevision`, the topic at `revision` (0: to be created). */
export function topicRecord(content: TopicContent, revision = 0, promptRevision = 1): Topic {
  const { topic_id } = content.definition
  const now = systemClock().toISOString()
  const stamp = { updated_at: now, updated_by: 'test' }
  return {
    ...content.definition,
    prompts: Object.entries(content.texts).map(([prompt_type, body]) => ({
      prompt_type,
      s3_key: promptKey(topic_id, prompt_type),
      ...fingerprint(body),
      revision: promptRevision,
      ...stamp,
    })),
    revision,
    created_at: now,
    created_by: 'test',
    ...stamp,
  }
}
