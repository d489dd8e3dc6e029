import { usePrefetchQuery, useQuery } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'
import { topicsQuery } from '../rest/topics.ts'
import { Failure, Waiting } from '../ui/notice.tsx'
import { useKeys } from '../ui/use-keys.ts'
import { useTitle } from '../ui/use-title.ts'
import { useWords } from '../words/words.ts'
import { CreateDialog } from './create-dialog.tsx'
import { FilterBar } from './filter-bar.tsx'
import { filtered, useFilters } from './filters.ts'
import { NoTopics } from './no-topics.tsx'
import { TopicGrid } from './topic-grid.tsx'
import css from './topics-page.module.css'
import { useTextSearch } from './use-text-search.ts'

/** What the server takes. */
const MAX_SEARCH = 200
const NONE = { topics: [], isComplete: false }

/** The list of all topics: found, sorted, created. */
export function TopicsPage() {
  const words = useWords()
  const [filters, changeFilters, clearFilters] = useFilters()
  const [isCreating, setIsCreating] = useState(false)
  const search = useRef<HTMLInputElement>(null)
  const query = topicsQuery(filters.state === 'deleted')
  // Asked for while the view is rendered, not when it has been painted.
  usePrefetchQuery(query)
  const list = useQuery(query)
  const { topics, isComplete } = list.data ?? NONE
  const { q, texts, type, category, state, sort, group } = filters
  const inTexts = useTextSearch(texts === 'yes' ? q : '', state === 'deleted')
  const shown = useMemo(
    () => filtered(topics, { q, type, category, state, sort }, inTexts.found),
    [topics, q, type, category, state, sort, inTexts.found],
  )
  useTitle(words.topics.title)
  useKeys({ '/': () => search.current?.select(), n: () => setIsCreating(true) })
  return (
    <div className={css.page}>
      <h1 className="visually-hidden">{words.topics.title}</h1>
      <div className={css.tools}>
        <input
          ref={search}
          className={css.search}
          type="search"
          value={q}
          maxLength={MAX_SEARCH}
          aria-label={words.topics.search}
          placeholder={words.topics.searchHint}
          onInput={(event) => changeFilters({ q: event.currentTarget.value })}
        />
        <label className={css.texts}>
          <input
            type="checkbox"
            checked={texts === 'yes'}
            onChange={(event) => changeFilters({ texts: event.currentTarget.checked ? 'yes' : 'no' })}
          />
          {words.topics.inTexts}
        </label>
        <FilterBar topics={topics} filters={filters} onChange={changeFilters} />
        <output className={css.count}>
          {list.data && words.topics.count(shown.length, topics.length, isComplete)}
        </output>
        <button type="button" data-kind="primary" onClick={() => setIsCreating(true)}>
          {words.topics.create}
        </button>
      </div>
      <div className={css.above}>
        {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
        {inTexts.error && <Failure error={inTexts.error} />}
      </div>
      {list.data ? (
        <TopicGrid
          topics={shown}
          grouping={group}
          sort={sort}
          empty={<NoTopics hasAny={topics.length > 0} state={state} onClear={clearFilters} />}
          onSort={(sort) => changeFilters({ sort })}
        />
      ) : (
        list.isPending && !list.error && <Waiting />
      )}
      {isCreating && <CreateDialog onClose={() => setIsCreating(false)} />}
    </div>
  )
}
