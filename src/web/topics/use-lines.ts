import { useMemo, useState } from 'react'
import type { TopicSummary } from '../rest/topics.ts'
import type { Grouping } from './filters.ts'
import { type Line, linesOf } from './groups.ts'

/** What the list shows of topics: all of them, or groups that are opened and closed. */
export function useLines(topics: readonly TopicSummary[], grouping: Grouping) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const lines: readonly Line[] = useMemo(() => linesOf(topics, grouping, closed), [topics, grouping, closed])
  const toggle = (name: string) => {
    const next = new Set(closed)
    if (!next.delete(name)) next.add(name)
    setClosed(next)
  }
  return { lines, closed, toggle }
}
