import { useEffect, useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { Topic } from '../rest/topics.ts'
import { useWords } from '../words/words.ts'
import { AddPromptDialog } from './add-prompt-dialog.tsx'
import css from './topic-page.module.css'

/** The prompts of a topic, and what else there is of it. */
export function TopicTabs({ topic }: { topic: Topic }) {
  const words = useWords()
  const [location] = useLocation()
  const [isAdding, setIsAdding] = useState(false)
  const tabs = useRef<HTMLElement>(null)
  // Where there is no room for all of them.
  useEffect(() => {
    const current = tabs.current?.querySelector('[aria-current]')
    current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [location])
  // A prompt that is being written for the first time is in the address only.
  const open = /^\/prompts\/([^/]+)/.exec(location)?.[1]
  const isNew = open !== undefined && !topic.available_prompts.includes(open)
  const types = isNew ? [...topic.available_prompts, open] : topic.available_prompts
  const here = (path: string) => (location === path || location.startsWith(`${path}/`) ? 'page' : undefined)
  return (
    <nav ref={tabs} className={css.tabs} aria-label={words.topic.parts}>
      {types.map((type) => (
        <Link
          key={type}
          href={`/prompts/${type}`}
          aria-current={here(`/prompts/${type}`)}
          className={`${css.prompt} ${isNew && type === open ? css.new : ''}`}
        >
          {type}
        </Link>
      ))}
      {topic.deleted_at === undefined && (
        <button type="button" data-kind="quiet" className={css.add} onClick={() => setIsAdding(true)}>
          {words.topic.addPrompt}
        </button>
      )}
      <span className={css.gap} />
      <Link href="/parameters" aria-current={here('/parameters')}>
        {words.parameters.title}
      </Link>
      <Link href="/run" aria-current={here('/run')}>
        {words.run.title}
      </Link>
      <Link href="/details" aria-current={here('/details')}>
        {words.details.title}
      </Link>
      {isAdding && <AddPromptDialog topic={topic} onClose={() => setIsAdding(false)} />}
    </nav>
  )
}
