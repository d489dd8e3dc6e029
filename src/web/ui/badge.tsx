import type { ReactNode } from 'react'
import { useWords } from '../words/words.ts'
import css from './badge.module.css'

interface BadgeProps {
  tone?: 'plain' | 'good' | 'warn' | 'bad' | 'accent'
  children: ReactNode
}

export function Badge({ tone = 'plain', children }: BadgeProps) {
  return (
    <span className={css.badge} data-tone={tone}>
      {children}
    </span>
  )
}

/** Whether a topic is served. */
export function StateBadge({ topic }: { topic: { is_active: boolean; deleted_at?: string | undefined } }) {
  const words = useWords()
  if (topic.deleted_at !== undefined) return <Badge tone="bad">{words.states.deleted}</Badge>
  return topic.is_active ? (
    <Badge tone="good">{words.states.active}</Badge>
  ) : (
    <Badge>{words.states.inactive}</Badge>
  )
}
