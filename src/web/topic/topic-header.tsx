import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { PAGE_ROOT } from '../addresses.ts'
import { rest } from '../rest/rest.ts'
import { type Topic, usageQuery, useTopicActions } from '../rest/topics.ts'
import { CreateDialog, type Start } from '../topics/create-dialog.tsx'
import { StateBadge } from '../ui/badge.tsx'
import { Dialog } from '../ui/dialog.tsx'
import forms from '../ui/form.module.css'
import { showToast } from '../ui/toasts.ts'
import { faultWords } from '../words/faults.ts'
import { useWords } from '../words/words.ts'
import css from './topic-page.module.css'
import { UsageFacts } from './usage-facts.tsx'

/** What a topic is, and what can be done to it as a whole. */
export function TopicHeader({ topic }: { topic: Topic }) {
  const words = useWords()
  const [, navigate] = useLocation()
  const { remove, revive } = useTopicActions()
  const [start, setStart] = useState<Start>()
  const [isWarning, setIsWarning] = useState(false)
  const usage = useQuery(usageQuery(topic.topic_id)).data
  const isInUse = usage !== undefined && usage.calls_24h > 0
  const { topic_id, topic_name } = topic
  const fail = (error: unknown) => showToast({ text: faultWords(error, words), tone: 'failed' })
  const bringBack = () =>
    revive(topic_id).then(() => showToast({ text: words.topics.revived(topic_name), tone: 'done' }), fail)
  const drop = () =>
    remove(topic_id).then(() => {
      const undo = { label: words.undo, run: () => void bringBack() }
      showToast({ text: words.topics.deleted(topic_name), tone: 'done', action: undo })
      navigate(`~${PAGE_ROOT}`)
    }, fail)
  const copy = () => copyOf(topic, words.create.copyName(topic_name)).then(setStart, fail)
  return (
    <header className={css.header}>
      <div className={css.names}>
        <h1>{topic_name}</h1>
        <p className={css.facts}>
          <code>{topic_id}</code>
          <StateBadge topic={topic} />
          <span>{topic.topic_type}</span>
          <span>{topic.category}</span>
          {usage && <UsageFacts {...usage} />}
        </p>
      </div>
      <div className={css.actions}>
        <button type="button" onClick={copy}>
          {words.topic.copy}
        </button>
        {topic.deleted_at === undefined ? (
          <button type="button" data-kind="danger" onClick={() => (isInUse ? setIsWarning(true) : drop())}>
            {words.topic.remove}
          </button>
        ) : (
          <button type="button" data-kind="primary" onClick={bringBack}>
            {words.topics.revive}
          </button>
        )}
      </div>
      {isWarning && usage && (
        <Dialog title={words.topic.removeTitle} onClose={() => setIsWarning(false)}>
          <div className={forms.form}>
            <p>
              <UsageFacts {...usage} /> {words.topic.removeWarning}
            </p>
            <div className={forms.actions}>
              <button type="button" onClick={() => setIsWarning(false)}>
                {words.cancel}
              </button>
              <button type="button" data-kind="danger" onClick={drop}>
                {words.topic.removeAnyway}
              </button>
            </div>
          </div>
        </Dialog>
      )}
      {start && (
        <CreateDialog
          start={start}
          title={words.create.copyTitle(topic_name)}
          onClose={() => setStart(undefined)}
        />
      )}
    </header>
  )
}

/** A topic to begin with that has all of another one but its id. */
async function copyOf(topic: Topic, topic_name: string): Promise<Start> {
  const { topic_id, category, description = '', allowed_parameters, config } = topic
  const texts = await Promise.all(
    topic.available_prompts.map(async (prompt_type) => {
      const path = { topic_id, prompt_type }
      const { data } = await rest('GET /admin/prompts/{topic_id}/{prompt_type}', { path })
      return [prompt_type, data.content] as const
    }),
  )
  const more = { allowed_parameters, config, prompts: Object.fromEntries(texts) }
  // Of the types only this one is created here, unless the server is told otherwise.
  return { topic_name, topic_type: 'kpi_system', category, description, more }
}
