import { useQuery } from '@tanstack/react-query'
import { promptQuery } from '../../rest/prompts.ts'
import type { Topic } from '../../rest/topics.ts'

/** A text as it is served now, with who wrote it. `revision` 0 and no text: there is no such prompt yet. */
export interface LivePrompt {
  revision: number
  content: string
  updated_by?: string | undefined
  updated_at?: string | undefined
}

const NOTHING: LivePrompt = { revision: 0, content: '' }

/** The live text of a prompt; follows the record of its topic. */
export function useLivePrompt(topic: Topic, prompt_type: string) {
  const info = topic.prompts.find((prompt) => prompt.prompt_type === prompt_type)
  const query = useQuery({
    ...promptQuery(topic.topic_id, prompt_type, info?.revision ?? 0),
    enabled: info !== undefined,
  })
  const live: LivePrompt | undefined = info ? query.data : NOTHING
  return { live, error: query.error, retry: () => void query.refetch() }
}
