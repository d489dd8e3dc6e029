import { useQuery } from '@tanstack/react-query'
import { topicQuery } from '../rest/topics.ts'

/** The server promises that a change is visible everywhere within a second. */
const FRESHNESS_MS = 1_000

/** The record of a topic as it is now: asked for again every second while the page is looked at. */
export function useLiveTopic(topic_id: string) {
  return useQuery({
    ...topicQuery(topic_id),
    // A topic that is not there is not waited for.
    refetchInterval: ({ state }) => state.data !== undefined && FRESHNESS_MS,
  })
}
