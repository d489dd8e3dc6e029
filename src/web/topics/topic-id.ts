import { isIdentifier } from '../../domain/names.ts'
import type { TopicSummary } from '../rest/topics.ts'

/** An id that says the same as a name: `Umsatz (Übersicht)` is `umsatz_uebersicht`. */
export function idFrom(name: string): string {
  return name
    .toLowerCase()
    .replace(/[äöü]/g, '$&e')
    .replaceAll('ß', 'ss')
    .normalize('NFD')
    .replace(/[^a-z0-9]+/g, (found) => (/^\p{M}+$/u.test(found) ? '' : '_'))
    .replace(/^_+|_+$/g, '')
    .slice(0, 64)
}

/** Why an id cannot be had, as far as can be seen here; the server decides. */
export function idProblem(
  topic_id: string,
  topics: readonly TopicSummary[],
  deleted: readonly TopicSummary[],
): 'invalid' | 'taken' | 'deleted' | undefined {
  if (!isIdentifier(topic_id)) return 'invalid'
  const isIn = (list: readonly TopicSummary[]) => list.some((topic) => topic.topic_id === topic_id)
  if (isIn(topics)) return 'taken'
  return isIn(deleted) ? 'deleted' : undefined
}
