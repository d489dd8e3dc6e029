import { useEffect, useState } from 'react'
import { useStore } from '../ui/store.ts'
import { dropToast, type Toast, toasts } from '../ui/toasts.ts'
import { useWords } from '../words/words.ts'
import css from './toasts.module.css'

/** Long enough to read, and to take something back without hurry. */
const SHOWN_MS = 6_000
const SHOWN_WITH_ACTION_MS = 12_000

export function Toasts() {
  const shown = useStore(toasts)
  return (
    <div className={css.toasts} role="status">
      {shown.map((toast) => (
        <OneToast key={toast.id} {...toast} />
      ))}
    </div>
  )
}

function OneToast({ id, text, tone, action }: Toast) {
  const words = useWords()
  const [isHeld, setIsHeld] = useState(false)
  useEffect(() => {
    if (isHeld) return
    const timer = setTimeout(() => dropToast(id), action ? SHOWN_WITH_ACTION_MS : SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id, action, isHeld])
  const act = () => {
    dropToast(id)
    action?.run()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: stays while it is pointed at or has the focus; nothing more.
    <div
      className={css.toast}
      data-tone={tone}
      onMouseEnter={() => setIsHeld(true)}
      onMouseLeave={() => setIsHeld(false)}
      onFocus={() => setIsHeld(true)}
      onBlur={() => setIsHeld(false)}
    >
      <span>{text}</span>
      {action && (
        <button type="button" onClick={act}>
          {action.label}
        </button>
      )}
      <button type="button" data-kind="quiet" aria-label={words.close} onClick={() => dropToast(id)}>
        ✕
      </button>
    </div>
  )
}
