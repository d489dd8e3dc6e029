import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { TopicSummary } from '../rest/topics.ts'
import { useWords } from '../words/words.ts'
import type { Grouping, Sort } from './filters.ts'
import { GroupRow } from './group-row.tsx'
import type { Line } from './groups.ts'
import css from './topic-grid.module.css'
import { TopicRow } from './topic-row.tsx'
import { useLines } from './use-lines.ts'

const ROW_HEIGHT = 53
/** Of the head of the columns, which stays in sight above the rows. */
const HEAD_HEIGHT = 36
/** Rows that are there though out of sight, so that quick scrolling shows no gaps. */
const OVERSCAN = 12

interface TopicGridProps {
  topics: readonly TopicSummary[]
  grouping: Grouping
  sort: Sort
  /** What stands in the place of the rows when there are none. */
  empty: ReactNode
  onSort(sort: Sort): void
}

/** The rows in sight of any number of topics. Arrow keys move through them, Enter opens one, or closes a group. */
export function TopicGrid({ topics, grouping, sort, empty, onSort }: TopicGridProps) {
  const words = useWords()
  const [, navigate] = useLocation()
  const { lines, closed, toggle } = useLines(topics, grouping)
  const [current, setCurrent] = useState(0)
  const scroll = useRef<HTMLDivElement>(null)
  const id = useId()
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    // Until the list is laid out, which happens once if its rows are there by then.
    initialRect: { width: innerWidth, height: innerHeight },
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    scrollMargin: HEAD_HEIGHT,
    scrollPaddingStart: HEAD_HEIGHT,
  })
  const last = lines.length - 1
  // Another search begins at its first row.
  useEffect(() => setCurrent((now) => Math.max(0, Math.min(now, last))), [last])

  const moveTo = (index: number) => {
    const next = Math.max(0, Math.min(index, last))
    setCurrent(next)
    rows.scrollToIndex(next)
  }
  const open = (line: Line | undefined) => {
    if (line?.group) toggle(line.group.name)
    else if (line) navigate(`/topics/${line.topic.topic_id}`)
  }
  const page = () => Math.max(1, Math.floor(((scroll.current?.clientHeight ?? 0) - HEAD_HEIGHT) / ROW_HEIGHT))
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      ArrowDown: () => moveTo(current + 1),
      ArrowUp: () => moveTo(current - 1),
      PageDown: () => moveTo(current + page()),
      PageUp: () => moveTo(current - page()),
      Home: () => moveTo(0),
      End: () => moveTo(last),
      Enter: () => open(lines[current]),
    }
    if (event.target !== event.currentTarget || !moves[event.key]) return
    event.preventDefault()
    moves[event.key]?.()
  }

  return (
    // biome-ignore-start lint/a11y/useSemanticElements: rows of a table cannot be placed one by one.
    // biome-ignore-start lint/a11y/useFocusableInteractive: the grid has the focus, and names its current row.
    <div
      ref={scroll}
      className={css.grid}
      role="grid"
      tabIndex={0}
      aria-label={words.topics.title}
      aria-rowcount={lines.length + 1}
      aria-activedescendant={lines.length > 0 ? `${id}-${current}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className={css.top}>
        <div className={css.head} role="row" aria-rowindex={1}>
          <SortHeader sort="name" {...{ current: sort, onSort }} />
          <div role="columnheader" className={css.wide}>
            {words.topics.type}
          </div>
          <div role="columnheader" className={css.medium}>
            {words.topics.category}
          </div>
          <div role="columnheader" className={css.wide}>
            {words.topics.prompts}
          </div>
          <div role="columnheader">{words.topics.state}</div>
          <SortHeader sort="updated" className={css.medium} {...{ current: sort, onSort }} />
        </div>
      </div>
      <div className={css.rows} role="rowgroup" style={{ height: rows.getTotalSize() }}>
        {lines.length === 0 && (
          <div role="row">
            <div role="gridcell" className={css.empty}>
              {empty}
            </div>
          </div>
        )}
        {rows.getVirtualItems().map(({ index, start, size }) => {
          const line = lines[index]
          if (!line) return null
          const isCurrent = index === current
          const row = { id: `${id}-${index}`, index, isCurrent, top: start - HEAD_HEIGHT, height: size }
          if (line.topic) return <TopicRow key={line.topic.topic_id} {...row} topic={line.topic} />
          const { group } = line
          const isClosed = closed.has(group.name)
          const onToggle = () => toggle(group.name)
          return <GroupRow key={`${group.name}:`} {...row} {...{ group, isClosed, onToggle }} />
        })}
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: see above.
    // biome-ignore-end lint/a11y/useSemanticElements: see above.
  )
}

interface SortHeaderProps {
  sort: 'name' | 'updated'
  current: Sort
  className?: string | undefined
  onSort(sort: Sort): void
}

/** Sorts by its column; once more, and the order is that of the topics again. */
function SortHeader({ sort, current, className, onSort }: SortHeaderProps) {
  const words = useWords()
  const isCurrent = current === sort
  const direction = sort === 'updated' ? 'descending' : 'ascending'
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the grid.
    // biome-ignore lint/a11y/useFocusableInteractive: the button in it is.
    <div role="columnheader" className={className} aria-sort={isCurrent ? direction : 'none'}>
      <button type="button" data-kind="quiet" onClick={() => onSort(isCurrent ? 'order' : sort)}>
        {words.topics.columns[sort]}
        {isCurrent && <span aria-hidden="true">{direction === 'ascending' ? '↑' : '↓'}</span>}
      </button>
    </div>
  )
}
