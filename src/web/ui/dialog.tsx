import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useWords } from '../words/words.ts'
import css from './dialog.module.css'

interface DialogProps {
  title: string
  onClose(): void
  width?: 'normal' | 'wide'
  children: ReactNode
}

/** A modal dialog. The browser keeps the focus inside, closes it with Escape, and gives the focus back afterwards. */
export function Dialog({ title, onClose, width = 'normal', children }: DialogProps) {
  const words = useWords()
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog
      ref={ref}
      className={css.dialog}
      data-width={width}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <header className={css.head}>
        <h2 id={titleId}>{title}</h2>
        <button type="button" data-kind="quiet" onClick={onClose} aria-label={words.close}>
          ✕
        </button>
      </header>
      <div className={css.body}>{children}</div>
    </dialog>
  )
}
