import { useSearchParams } from 'wouter'
import type { TopicSummary } from '../rest/topics.ts'

export const STATES = ['all', 'active', 'inactive', 'deleted'] as const
const SORTS = ['order', 'name', 'id', 'updated'] as const
export type Sort = (typeof SORTS)[number]
export const GROUPINGS = ['none', 'category', 'prefix'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** What of the list is shown. It stands in the address, so that a view can be kept and sent. */
export interface Filters {
  q: string
  /** Whether the search is also for what prompt texts say. */
  texts: 'no' | 'yes'
  type: string
  category: string
  state: (typeof STATES)[number]
  sort: Sort
  group: Grouping
}

const DEFAULTS: Filters = {
  q: '',
  texts: 'no',
  type: '',
  category: '',
  state: 'all',
  sort: 'order',
  group: 'none',
}

/** The filters, a way to change them, and one to let all topics through again. */
export function useFilters(): [Filters, (changes: Partial<Filters>) => void, () => void] {
  const [parameters, setParameters] = useSearchParams()
  const read = (name: keyof Filters) => parameters.get(name) ?? DEFAULTS[name]
  const filters: Filters = {
    q: read('q'),
    texts: read('texts') === 'yes' ? 'yes' : 'no',
    type: read('type'),
    category: read('category'),
    state: STATES.find((state) => state === read('state')) ?? DEFAULTS.state,
    sort: SORTS.find((sort) => sort === read('sort')) ?? DEFAULTS.sort,
    group: GROUPINGS.find((group) => group === read('group')) ?? DEFAULTS.group,
  }
  const change = (changes: Partial<Filters>) =>
    setParameters(
      () => {
        const next = Object.entries({ ...filters, ...changes })
        return next.filter(([name, value]) => value !== DEFAULTS[name as keyof Filters])
      },
      { replace: true },
    )
  return [filters, change, () => change({ ...DEFAULTS, sort: filters.sort, group: filters.group })]
}

/** What a search looks at. Kept for as long as the topic is: a search through 10,000 has no time to put it together. */
const searchTexts = new WeakMap<TopicSummary, string>()

function searchTextOf(topic: TopicSummary): string {
  let text = searchTexts.get(topic)
  if (text === undefined) {
    const names = topic.allowed_parameters.map((parameter) => parameter.name)
    text = [topic.topic_id, topic.topic_name, topic.description ?? '', ...names].join('\n').toLowerCase()
    searchTexts.set(topic, text)
  }
  return text
}

/**
 * The topics that the filters let through, sorted. Every word of the search must be found, in any order.
 *
 * @param inTexts ids of topics that have what is searched for in a prompt text.
 */
export function filtered(
  topics: readonly TopicSummary[],
  filters: Omit<Filters, 'texts' | 'group'>,
  inTexts: ReadonlySet<string>,
): TopicSummary[] {
  const { type, category, state, sort } = filters
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean)
  const found = topics.filter(
    (topic) =>
      (type === '' || topic.topic_type === type) &&
      (category === '' || topic.category === category) &&
      (state === 'all' || state === 'deleted' || topic.is_active === (state === 'active')) &&
      (inTexts.has(topic.topic_id) || words.every((word) => searchTextOf(topic).includes(word))),
  )
  return sort === 'order' ? found : found.sort(ORDERS[sort]())
}

type Order = (a: TopicSummary, b: TopicSummary) => number

/** Made when they are wanted: a collator takes longer than the list is long. */
const ORDERS: Record<Exclude<Sort, 'order'>, () => Order> = {
  name() {
    const names = new Intl.Collator(undefined, { numeric: true })
    return (a, b) => names.compare(a.topic_name, b.topic_name)
  },
  id: () => (a, b) => (a.topic_id < b.topic_id ? -1 : 1),
  updated: () => (a, b) => (a.updated_at > b.updated_at ? -1 : 1),
}

/** Values that occur in a field, for a filter to choose from. */
export function valuesOf(topics: readonly TopicSummary[], field: 'topic_type' | 'category'): string[] {
  return [...new Set(topics.map((topic) => topic[field]))].sort()
}
