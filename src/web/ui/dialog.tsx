import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useWords } from '../words/words.ts'
import css from './dialog.module.css'

interface DialogProps {
  title: string
  onClose(): void
  width?: 'normal' | 'wide'
  children: ReactNode
}

/** A modal dialog. The browser keeps the focus inside and closes it with Escape; then the focus is where it was. */
export function Dialog({ title, onClose, width = 'normal', children }: DialogProps) {
  const words = useWords()
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const opener = document.activeElement
    ref.current?.showModal()
    // A form begins at its first field; the browser would begin at the way out.
    ref.current?.querySelector<HTMLElement>('form input')?.focus()
    // It leaves the page while it is open, and browsers give the focus back only when it closes.
    return () => {
      if (opener instanceof HTMLElement && opener !== document.body) opener.focus()
    }
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
