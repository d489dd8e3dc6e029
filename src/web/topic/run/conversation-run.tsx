import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Field } from '../../ui/field.tsx'
import { useWords } from '../../words/words.ts'
import { SamplesForm } from '../samples/samples-form.tsx'
import { questionsOf, type RunProps, sampleFaults } from './questions.ts'
import { RunAnswerView } from './run-answer.tsx'
import css from './run-page.module.css'
import { type Question, type Side, useRuns } from './use-runs.ts'

/**
 * A conversation with the draft beside one with the live text: the user says everything once, and each side answers out of
 * its own history. The values stay as they are while it lasts, as in a real one.
 */
export function ConversationRun(props: RunProps) {
  const { topic, sampling, drafts } = props
  const words = useWords().run
  const [message, setMessage] = useState('')
  const draft = useRuns()
  const live = useRuns()
  const hasDraft = drafts.size > 0
  const isRunning = draft.isRunning || live.isRunning
  const hasBegun = [...draft.runs, ...live.runs].some(({ answer }) => answer !== undefined)
  const questions = questionsOf(props)
  const say = () => {
    if (hasDraft) void draft.ask(saying(message, questions.draft), draft.runs)
    void live.ask(saying(message, questions.live), live.runs)
    setMessage('')
  }
  const onBoth = (act: 'stop' | 'clear') => () => {
    draft[act]()
    live[act]()
  }
  return (
    <div className={css.page}>
      <fieldset className={css.values} disabled={hasBegun || isRunning} aria-label={words.values}>
        <p className={css.hint}>{words.hint}</p>
        <SamplesForm topic={topic} sampling={sampling} faults={sampleFaults(live.runs.at(-1))} />
        {!hasDraft && <p className={css.hint}>{words.noDraft}</p>}
      </fieldset>
      <div className={css.talk}>
        <div className={css.answers}>
          {hasDraft && (
            <Talk
              title={words.draft([...drafts.keys()].join(', '))}
              side={draft}
              question={questions.draft}
            />
          )}
          <Talk title={words.live} side={live} question={questions.live} />
        </div>
        <form
          className={css.say}
          onSubmit={(event) => {
            event.preventDefault()
            say()
          }}
        >
          <Field label={words.message}>
            <textarea
              required
              rows={2}
              value={message}
              onInput={(event) => setMessage(event.currentTarget.value)}
              onKeyDown={sendOnEnter}
            />
          </Field>
          <div className={css.actions}>
            <button type="submit" data-kind="primary" disabled={isRunning || message.trim() === ''}>
              {words.send}
            </button>
            {isRunning && (
              <button type="button" onClick={onBoth('stop')}>
                {words.stop}
              </button>
            )}
            {live.runs.length > 0 && (
              <button type="button" onClick={onBoth('clear')}>
                {words.newConversation}
              </button>
            )}
          </div>
        </form>
      </div>
    </div>
  )
}

/** Enter begins a new line; with Ctrl or ⌘ it sends. */
function sendOnEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
  event.preventDefault()
  event.currentTarget.form?.requestSubmit()
}

const saying = (message: string, { path, body }: Question): Question => ({ path, body: { ...body, message } })

/** What was said to one side, and what it answered. */
function Talk({ title, side, question }: { title: string; side: Side; question: Question }) {
  const words = useWords().run
  const { runs, isRunning, ask } = side
  const end = useRef<HTMLLIElement>(null)
  useEffect(() => end.current?.scrollIntoView({ block: 'nearest' }), [runs.length])
  return (
    <article className={css.answer}>
      <h2>{title}</h2>
      {runs.length === 0 && <p className={css.hint}>{words.emptyTalk}</p>}
      <div role="log" aria-label={title} aria-busy={isRunning}>
        <ol className={css.turns}>
          {runs.map((run, index) => {
            const { message = '' } = run
            const isLast = index === runs.length - 1
            const retry = () => void ask(saying(message, question), runs.slice(0, index))
            return (
              // Turns have no other name, and stay in their order.
              <li key={index} ref={isLast ? end : undefined}>
                <p className={css.said}>
                  <span className="visually-hidden">{words.said}</span> {message}
                </p>
                <RunAnswerView run={run} retry={isLast ? retry : undefined} />
              </li>
            )
          })}
        </ol>
      </div>
    </article>
  )
}
