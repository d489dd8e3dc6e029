import { useQuery } from '@tanstack/react-query'
import { rest } from '../rest/rest.ts'
import { useSettled } from '../ui/use-settled.ts'

const PAGE_SIZE = 500
const NONE: ReadonlySet<string> = new Set()

/** Ids of the topics that have `q` in a prompt text, once the server has looked; none for an empty `q`. */
export function useTextSearch(q: string, deleted: boolean) {
  const wanted = useSettled(q)
  const { data, error } = useQuery({
    queryKey: ['topics', 'with', { q: wanted, deleted }],
    queryFn: ({ signal }) => search(wanted, deleted, signal),
    enabled: wanted !== '',
  })
  return { found: (q !== '' && data) || NONE, error }
}

async function search(q: string, deleted: boolean, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  let cursor: string | undefined
  do {
    const query = { q, in_texts: true, deleted, limit: PAGE_SIZE, cursor }
    const { data, meta } = await rest('GET /admin/prompts', { query, signal })
    for (const { topic_id } of data) found.add(topic_id)
    cursor = meta?.next_cursor
  } while (cursor !== undefined)
  return found
}
