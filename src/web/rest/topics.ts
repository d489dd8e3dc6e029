import { type QueryClient, queryOptions, useQueryClient } from '@tanstack/react-query'
import { type DataOf, rest } from './rest.ts'

export type Topic = DataOf<'topics.get'>
export type TopicSummary = DataOf<'topics.list'>[number]
export type Parameter = Topic['allowed_parameters'][number]

/** Topics in the order of the server. */
export interface TopicList {
  topics: readonly TopicSummary[]
  /** False while further pages are on their way. */
  isComplete: boolean
}

/** Of the first page, which is there sooner than a large one. */
const FIRST_PAGE_SIZE = 50
const PAGE_SIZE = 500
const USAGE_INTERVAL_MS = 15_000

/** All topics, or all deleted ones. What has come is shown while the rest is read. */
export function topicsQuery(deleted: boolean) {
  const queryKey = ['topics', { deleted }]
  return queryOptions({
    queryKey,
    queryFn: async ({ client, signal }): Promise<TopicList> => {
      const isFirst = client.getQueryData(queryKey) === undefined
      const topics: TopicSummary[] = []
      let cursor: string | undefined
      do {
        const limit = isFirst && cursor === undefined ? FIRST_PAGE_SIZE : PAGE_SIZE
        const query = { deleted, limit, cursor }
        const { data, meta } = await rest('GET /admin/prompts', { query, signal })
        topics.push(...data)
        cursor = meta?.next_cursor
        if (isFirst && cursor !== undefined)
          client.setQueryData(queryKey, { topics: [...topics], isComplete: false })
      } while (cursor !== undefined)
      return { topics, isComplete: true }
    },
  })
}

export function topicQuery(topic_id: string) {
  return queryOptions({
    queryKey: ['topic', topic_id],
    queryFn: async ({ signal }) => {
      const { data } = await rest('GET /admin/prompts/{topic_id}', { path: { topic_id }, signal })
      return data
    },
  })
}

/** Who uses a topic, as far as this instance of the server has answered. */
export function usageQuery(topic_id: string) {
  return queryOptions({
    queryKey: ['usage', topic_id],
    queryFn: async ({ signal }) => {
      const { data } = await rest('GET /admin/usage/{topic_id}', { path: { topic_id }, signal })
      return data
    },
    refetchInterval: USAGE_INTERVAL_MS,
  })
}

/** Everything known of a topic, and the lists, is asked again. */
export async function refreshTopic(client: QueryClient, topic_id: string): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['topics'] }),
    client.invalidateQueries({ queryKey: ['topic', topic_id] }),
    client.invalidateQueries({ queryKey: ['history', topic_id] }),
  ])
}

/** What can be done to a topic as a whole; each refreshes what is shown. */
export function useTopicActions() {
  const client = useQueryClient()
  return {
    async remove(topic_id: string): Promise<void> {
      await rest('DELETE /admin/prompts/{topic_id}', { path: { topic_id } })
      await refreshTopic(client, topic_id)
    },
    async revive(topic_id: string): Promise<void> {
      await rest('PUT /admin/prompts/{topic_id}', { path: { topic_id }, body: { is_active: true } })
      await refreshTopic(client, topic_id)
    },
  }
}
