import { memo } from 'react'
import { Link, useLocation } from 'wouter'
import { type TopicSummary, useTopicActions } from '../rest/topics.ts'
import { Ago } from '../ui/ago.tsx'
import { StateBadge } from '../ui/badge.tsx'
import { showToast } from '../ui/toasts.ts'
import { faultWords } from '../words/faults.ts'
import { useWords } from '../words/words.ts'
import { GridRow, type RowProps } from './grid-row.tsx'
import css from './topic-grid.module.css'

interface TopicRowProps extends RowProps {
  topic: TopicSummary
}

/** One row. Scrolling leaves those alone that stay in sight. */
export const TopicRow = memo(function TopicRow({ topic, ...row }: TopicRowProps) {
  const [, navigate] = useLocation()
  const href = `/topics/${topic.topic_id}`
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: see the grid.
    // biome-ignore-start lint/a11y/useFocusableInteractive: see the grid.
    <GridRow
      {...row}
      className={css.row}
      onClick={(event) => !(event.target as Element).closest('a, button') && navigate(href)}
    >
      <div role="gridcell">
        <Link href={href} tabIndex={-1} className={css.title}>
          {topic.topic_name}
        </Link>
        <span className={css.id}>{topic.topic_id}</span>
      </div>
      <div role="gridcell" className={css.wide}>
        {topic.topic_type}
      </div>
      <div role="gridcell" className={css.medium}>
        {topic.category}
      </div>
      <div role="gridcell" className={`${css.wide} ${css.quiet}`}>
        {topic.available_prompts.join(', ') || '–'}
      </div>
      <div role="gridcell">
        {topic.deleted_at === undefined ? <StateBadge topic={topic} /> : <Revive {...topic} />}
      </div>
      <div role="gridcell" className={`${css.medium} ${css.quiet}`}>
        <Ago time={topic.updated_at} /> · {topic.updated_by}
      </div>
    </GridRow>
    // biome-ignore-end lint/a11y/useFocusableInteractive: see the grid.
    // biome-ignore-end lint/a11y/useSemanticElements: see the grid.
  )
})

function Revive({ topic_id, topic_name }: TopicSummary) {
  const words = useWords()
  const { revive } = useTopicActions()
  const run = () =>
    revive(topic_id).then(
      () => showToast({ text: words.topics.revived(topic_name), tone: 'done' }),
      (error) => showToast({ text: faultWords(error, words), tone: 'failed' }),
    )
  return (
    <button type="button" onClick={run}>
      {words.topics.revive}
    </button>
  )
}
