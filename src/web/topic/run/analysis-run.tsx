import { useWords } from '../../words/words.ts'
import { SamplesForm } from '../samples/samples-form.tsx'
import { questionsOf, type RunProps, sampleFaults } from './questions.ts'
import { RunAnswerView } from './run-answer.tsx'
import css from './run-page.module.css'
import { type Side, useRuns } from './use-runs.ts'

/** An analysis with the draft beside one with the live text. */
export function AnalysisRun(props: RunProps) {
  const { topic, sampling, drafts } = props
  const words = useWords().run
  const draft = useRuns()
  const live = useRuns()
  const hasDraft = drafts.size > 0
  const isRunning = draft.isRunning || live.isRunning
  const ask = () => {
    const questions = questionsOf(props)
    if (hasDraft) void draft.ask(questions.draft)
    void live.ask(questions.live)
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
        <p className={css.hint}>{words.hint}</p>
        <SamplesForm topic={topic} sampling={sampling} faults={sampleFaults(live.runs[0])} />
        {!hasDraft && <p className={css.hint}>{words.noDraft}</p>}
        <div className={css.actions}>
          <button type="submit" data-kind="primary" disabled={isRunning}>
            {hasDraft ? words.runBoth : words.run}
          </button>
          {isRunning && (
            <button type="button" onClick={stop}>
              {words.stop}
            </button>
          )}
        </div>
      </form>
      <div className={css.answers}>
        {hasDraft && <AnswerOf title={words.draft([...drafts.keys()].join(', '))} side={draft} />}
        <AnswerOf title={words.live} side={live} />
      </div>
    </div>
  )
}

function AnswerOf({ title, side: { runs, isRunning } }: { title: string; side: Side }) {
  const words = useWords().run
  const [run] = runs
  return (
    <article className={css.answer} aria-busy={isRunning}>
      <h2>{title}</h2>
      {run ? <RunAnswerView run={run} /> : <p className={css.hint}>{words.empty}</p>}
    </article>
  )
}
