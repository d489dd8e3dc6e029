import { useEffect, useRef, useState } from 'react'
import { type RunAnswer, runDraft } from '../../rest/run-draft.ts'

/** One question to a model, and what has come of it so far. */
export interface Run {
  /** What was said to a coach; analyses have none. */
  message: string | undefined
  isRunning: boolean
  /** What was heard of the answer; of an analysis, its JSON as it is written. */
  text: string
  isRepeated: boolean
  answer?: RunAnswer
  error?: unknown
}

type Input = Parameters<typeof runDraft>[0]
export type Question = Pick<Input, 'path'> & { body: NonNullable<Input['body']> }

/** What one side, the draft or the live text, was asked and has answered. */
export interface Side {
  runs: readonly Run[]
  isRunning: boolean
  /** Asks the model; a coach hears what was said `earlier`, too, which an analysis has none of. */
  ask(question: Question, earlier?: readonly Run[]): Promise<void>
  /** Ends the question that is open. */
  stop(): void
  clear(): void
}

/** A question that is still open ends with the next one, and with the page. */
export function useRuns(): Side {
  const [runs, setRuns] = useState<readonly Run[]>([])
  const open = useRef<AbortController>(undefined)
  const stop = () => open.current?.abort()
  useEffect(() => stop, [])

  async function ask(question: Question, earlier: readonly Run[] = []): Promise<void> {
    stop()
    const controller = new AbortController()
    open.current = controller
    const { signal } = controller
    let run: Run = { message: question.body.message, isRunning: true, text: '', isRepeated: false }
    const show = (changes: Partial<Run>) => {
      run = { ...run, ...changes }
      if (open.current === controller) setRuns([...earlier, run])
    }
    show({})
    try {
      const turns = earlier.map(turnOf)
      const body = { ...question.body, ...(turns.length > 0 && { turns }) }
      const answer = await runDraft(
        { path: question.path, body, signal },
        {
          onText: (text) => show({ text: run.text + text }),
          onReset: () => show({ text: '', isRepeated: true }),
        },
      )
      show({ isRunning: false, answer })
    } catch (error) {
      show({ isRunning: false, ...(!signal.aborted && { error }) })
    }
  }

  return {
    runs,
    isRunning: runs.at(-1)?.isRunning === true,
    ask,
    stop,
    clear() {
      stop()
      open.current = undefined
      setRuns([])
    },
  }
}

/** A turn as the model hears of it: half an answer is none. */
function turnOf({ message = '', answer }: Run) {
  return { message, ...(answer && 'message' in answer.data && { answer: answer.data.message.content }) }
}
