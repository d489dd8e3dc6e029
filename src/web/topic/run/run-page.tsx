import { useEffect, useState } from 'react'
import { type Draft, draftsOf } from '../../drafts/drafts.ts'
import { RestError } from '../../rest/problem.ts'
import type { Topic } from '../../rest/topics.ts'
import { Field } from '../../ui/field.tsx'
import { Waiting } from '../../ui/notice.tsx'
import { useTitle } from '../../ui/use-title.ts'
import { useWords } from '../../words/words.ts'
import { valuesOf } from '../samples/sample.ts'
import { SamplesForm } from '../samples/samples-form.tsx'
import { useSamples } from '../samples/use-samples.ts'
import { RunAnswerView } from './run-answer.tsx'
import css from './run-page.module.css'
import { type Run, useRun } from './use-run.ts'

const COACHING_TYPE = 'conversation_coaching'

/** Asks the model of a topic with its drafts and with its live texts, side by side, on the same values. */
export default function RunPage({ topic }: { topic: Topic }) {
  const words = useWords()
  const { topic_id, allowed_parameters: parameters } = topic
  const { samples, change } = useSamples(topic_id, parameters)
  const drafts = useDrafts(topic_id)
  const [message, setMessage] = useState('')
  const draft = useRun()
  const live = useRun()
  useTitle(`${words.run.title} · ${topic.topic_name}`)
  if (!samples || !drafts) return <Waiting />

  const isCoaching = topic.topic_type === COACHING_TYPE
  const hasDraft = drafts.size > 0
  const isRunning = draft.run.isRunning || live.run.isRunning
  const ask = () => {
    const body = { parameters: valuesOf(parameters, samples), ...(isCoaching && { message }) }
    const path = { topic_id }
    const texts = Object.fromEntries([...drafts].map(([type, { text }]) => [type, text]))
    if (hasDraft) void draft.start({ path, body: { ...body, prompts: texts } })
    void live.start({ path, body })
  }
  const stop = () => {
    draft.stop()
    live.stop()
  }
  return (
    <div className={css.page}>
      <form
        className={css.values}
        onSubmit={(event) => {
          event.preventDefault()
          ask()
        }}
      >
        <p className={css.hint}>{words.run.hint}</p>
        {isCoaching && (
          <Field label={words.run.message}>
            <textarea
              required
              rows={3}
              value={message}
              onInput={(event) => setMessage(event.currentTarget.value)}
            />
          </Field>
        )}
        <SamplesForm {...{ parameters, samples }} faults={sampleFaults(live.run)} onChange={change} />
        <div className={css.actions}>
          <button type="submit" data-kind="primary" disabled={isRunning}>
            {hasDraft ? words.run.runBoth : words.run.run}
          </button>
          {isRunning && (
            <button type="button" onClick={stop}>
              {words.run.stop}
            </button>
          )}
        </div>
        {!hasDraft && <p className={css.hint}>{words.run.noDraft}</p>}
      </form>
      <div className={css.answers}>
        {hasDraft && <RunAnswerView title={words.run.draft([...drafts.keys()].join(', '))} run={draft.run} />}
        <RunAnswerView title={words.run.live} run={live.run} />
      </div>
    </div>
  )
}

/** The drafts of a topic in this browser; `undefined` until they are read. */
function useDrafts(topic_id: string): ReadonlyMap<string, Draft> | undefined {
  const [drafts, setDrafts] = useState<ReadonlyMap<string, Draft>>()
  useEffect(() => {
    void draftsOf(topic_id).then(setDrafts, () => setDrafts(new Map()))
  }, [topic_id])
  return drafts
}

function sampleFaults({ error }: Run): Record<string, string> {
  const faults = error instanceof RestError ? error.faults : []
  return Object.fromEntries(faults.map(({ path, message }) => [path.replace(/^parameters\./, ''), message]))
}
