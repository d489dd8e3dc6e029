import { cloneElement, type ReactElement, useId } from 'react'
import css from './form.module.css'

interface FieldProps {
  label: string
  hint?: string | undefined
  /** What is wrong with the value; shown instead of the hint. */
  fault?: string | undefined
  /** The one control of the field. */
  children: ReactElement<Record<string, unknown>>
}

/** A control with its label and what there is to say about its value. */
export function Field({ label, hint, fault, children }: FieldProps) {
  const id = useId()
  const note = fault ?? hint
  return (
    <div className={css.field}>
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, {
        id,
        'aria-invalid': fault !== undefined,
        'aria-describedby': note === undefined ? undefined : `${id}-note`,
      })}
      {note !== undefined && (
        <p
          id={`${id}-note`}
          className={fault === undefined ? css.hint : css.fault}
          title={note}
          aria-live="polite"
        >
          {note}
        </p>
      )}
    </div>
  )
}
