import { useEffect, useRef, useState } from 'react'
import { type RunAnswer, runDraft } from '../../rest/run-draft.ts'

/** One question to a model, and what has come of it so far. */
export interface Run {
  isRunning: boolean
  /** What was heard of the answer; of an analysis, its JSON as it is written. */
  text: string
  isRepeated: boolean
  answer?: RunAnswer
  error?: unknown
}

const NOTHING: Run = { isRunning: false, text: '', isRepeated: false }

/** Asks the model; a question that is still open ends with the next one, and with the page. */
export function useRun() {
  const [run, setRun] = useState(NOTHING)
  const open = useRef<AbortController>(undefined)
  const stop = () => open.current?.abort()
  useEffect(() => stop, [])

  async function start(input: Omit<Parameters<typeof runDraft>[0], 'signal'>): Promise<void> {
    stop()
    const controller = new AbortController()
    open.current = controller
    const { signal } = controller
    const update = (changes: (now: Run) => Partial<Run>) => {
      if (open.current === controller) setRun((now) => ({ ...now, ...changes(now) }))
    }
    setRun({ ...NOTHING, isRunning: true })
    try {
      const answer = await runDraft(
        { ...input, signal },
        {
          onText: (text) => update((now) => ({ text: now.text + text })),
          onReset: () => update(() => ({ text: '', isRepeated: true })),
        },
      )
      update(() => ({ isRunning: false, answer }))
    } catch (error) {
      update(() => ({ isRunning: false, ...(!signal.aborted && { error }) }))
    }
  }

  return { run, start, stop }
}
