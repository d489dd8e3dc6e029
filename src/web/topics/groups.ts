import type { TopicSummary } from '../rest/topics.ts'
import type { Grouping } from './filters.ts'

/** Topics that belong together. */
export interface Group {
  /** A category, or how ids begin (`revenue_`); empty for ids that begin as no other does. */
  name: string
  topics: readonly TopicSummary[]
}

/** A line of the list: a topic, or the heading of a group. */
export type Line = { topic: TopicSummary; group?: never } | { group: Group; topic?: never }

/** The lines for topics, in groups by name if they are wanted; of those that are closed, the heading only. */
export function linesOf(
  topics: readonly TopicSummary[],
  grouping: Grouping,
  closed: ReadonlySet<string>,
): Line[] {
  if (grouping === 'none') return topics.map((topic) => ({ topic }))
  return groupsOf(topics, grouping).flatMap((group): Line[] => {
    const lines = closed.has(group.name) ? [] : group.topics.map((topic) => ({ topic }))
    return [{ group }, ...lines]
  })
}

function groupsOf(topics: readonly TopicSummary[], grouping: 'category' | 'prefix'): Group[] {
  const found = grouping === 'category' ? by(topics, ({ category }) => category) : byPrefix(topics)
  const groups = [...found].map(([name, topics]) => ({ name, topics }))
  // The nameless one is the last.
  return groups.sort((a, b) => (b.name === '' || (a.name !== '' && a.name < b.name) ? -1 : 1))
}

function byPrefix(topics: readonly TopicSummary[]): Map<string, TopicSummary[]> {
  const prefixOf = ({ topic_id }: TopicSummary) => topic_id.slice(0, topic_id.indexOf('_') + 1)
  const all = by(topics, prefixOf)
  const isShared = (prefix: string) => (all.get(prefix)?.length ?? 0) > 1
  return by(topics, (topic) => (isShared(prefixOf(topic)) ? prefixOf(topic) : ''))
}

function by(
  topics: readonly TopicSummary[],
  keyOf: (topic: TopicSummary) => string,
): Map<string, TopicSummary[]> {
  const found = new Map<string, TopicSummary[]>()
  for (const topic of topics) {
    const group = found.get(keyOf(topic))
    if (group) group.push(topic)
    else found.set(keyOf(topic), [topic])
  }
  return found
}
