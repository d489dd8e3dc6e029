import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { type DataOf, rest } from './rest.ts'

export type Prompt = DataOf<'prompts.get'>
export type Version = DataOf<'prompts.history'>[number]

/** A text by its address; a revision has one text for ever, so each is asked for once. */
export function promptQuery(topic_id: string, prompt_type: string, revision: number) {
  return queryOptions({
    queryKey: ['prompt', topic_id, prompt_type, revision],
    queryFn: async ({ signal }) => {
      const path = { topic_id, prompt_type }
      const { data } = await rest('GET /admin/prompts/{topic_id}/{prompt_type}', { path, signal })
      return data
    },
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })
}

/** An earlier text. */
export function versionQuery(topic_id: string, prompt_type: string, version_id: string) {
  return queryOptions({
    queryKey: ['version', topic_id, prompt_type, version_id],
    queryFn: async ({ signal }) => {
      const { data } = await rest('GET /admin/prompts/{topic_id}/{prompt_type}', {
        path: { topic_id, prompt_type },
        query: { version_id },
        signal,
      })
      return data
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** What saving a text would say, and how it looks with these values. */
export function previewQuery(
  address: { topic_id: string; prompt_type: string },
  content: string,
  parameters: Record<string, unknown>,
  topicRevision: number,
) {
  return queryOptions({
    queryKey: ['preview', address.topic_id, address.prompt_type, topicRevision, content, parameters],
    queryFn: async ({ signal }) => {
      const { data } = await rest('POST /admin/prompts/{topic_id}/{prompt_type}/preview', {
        path: address,
        body: { content, parameters },
        signal,
      })
      return { ...data, content }
    },
    gcTime: 10_000,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })
}

/** Pages of the history, newest first; asked again when the topic has changed. */
export function historyQuery(topic_id: string, prompt_type: string, topicRevision: number) {
  return infiniteQueryOptions({
    queryKey: ['history', topic_id, prompt_type, topicRevision],
    queryFn: async ({ pageParam, signal }) => {
      const { data, meta } = await rest('GET /admin/prompts/{topic_id}/{prompt_type}/history', {
        path: { topic_id, prompt_type },
        query: { cursor: pageParam },
        signal,
      })
      return { versions: data, next: meta?.next_cursor }
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
}
