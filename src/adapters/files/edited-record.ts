import { fingerprint, promptKey } from '../../domain/prompt-store.ts'
import type { PromptInfo, Topic, TopicContent } from '../../domain/topic.ts'
import type { TopicState } from './state.ts'

/** Author of changes that people make to the files themselves. */
export const BY_HAND = 'file'

/** The record after a person changed, added or removed the files of a topic. */
export function editedByHand(
  copy: TopicContent | undefined,
  state: TopicState | undefined,
  now: string,
): Topic {
  const stamp = { updated_at: now, updated_by: BY_HAND }
  const before = state?.topic
  if (!copy)
    return {
      ...(before as Topic),
      ...stamp,
      revision: (before?.revision ?? 0) + 1,
      is_active: false,
      deleted_at: now,
    }
  const prompts = Object.entries(copy.texts).map(([prompt_type, text]): PromptInfo => {
    const current = before?.prompts.find((info) => info.prompt_type === prompt_type)
    const facts = fingerprint(text)
    if (current?.sha256 === facts.sha256) return current
    const { topic_id } = copy.definition
    const revision = (state?.revisions[prompt_type] ?? 0) + 1
    return { prompt_type, s3_key: promptKey(topic_id, prompt_type), ...facts, revision, ...stamp }
  })
  const created = { created_at: before?.created_at ?? now, created_by: before?.created_by ?? BY_HAND }
  return { ...copy.definition, prompts, revision: (before?.revision ?? 0) + 1, ...created, ...stamp }
}
