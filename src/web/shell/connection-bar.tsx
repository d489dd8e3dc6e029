import { useEffect } from 'react'
import { askSession, isReachable } from '../rest/session.ts'
import { Notice } from '../ui/notice.tsx'
import { useStore } from '../ui/store.ts'
import { useWords } from '../words/words.ts'
import css from './bars.module.css'

const RETRY_MS = 2_000

/** Says that the server does not answer, and goes on asking until it does. */
export function ConnectionBar() {
  const words = useWords()
  const answers = useStore(isReachable)
  useEffect(() => {
    if (answers) return
    const timer = setInterval(() => void askSession().catch(() => {}), RETRY_MS)
    return () => clearInterval(timer)
  }, [answers])
  if (answers) return null
  return (
    <div className={css.bar}>
      <Notice tone="warn">{words.connection.lost}</Notice>
    </div>
  )
}
