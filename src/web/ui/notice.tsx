import type { ReactNode } from 'react'
import { faultWords } from '../words/faults.ts'
import { useWords } from '../words/words.ts'
import css from './notice.module.css'

interface NoticeProps {
  tone?: 'plain' | 'draft' | 'warn' | 'bad'
  actions?: ReactNode
  children: ReactNode
}

/** A sentence that needs attention, and what can be done about it. It is read out when it appears. */
export function Notice({ tone = 'plain', actions, children }: NoticeProps) {
  return (
    <div className={css.notice} data-tone={tone} role={tone === 'bad' ? 'alert' : 'status'}>
      <div>{children}</div>
      {actions && <div className={css.actions}>{actions}</div>}
    </div>
  )
}

/** Why something cannot be shown, with another try. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const words = useWords()
  const again = retry && (
    <button type="button" onClick={retry}>
      {words.tryAgain}
    </button>
  )
  return (
    <Notice tone="bad" actions={again}>
      {faultWords(error, words)}
    </Notice>
  )
}

export function Waiting() {
  return <p className={css.waiting}>{useWords().loading}</p>
}
