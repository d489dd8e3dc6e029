import { useId, useMemo, useState } from 'react'
import { bothEdits, type Choice, mergedText, mergeTexts, type Part } from '../../merging/merge.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { useWords } from '../../words/words.ts'
import css from './merge-dialog.module.css'
import type { LivePrompt } from './use-live-prompt.ts'

interface MergeDialogProps {
  /** The text that both edits began with. */
  base: string
  mine: string
  theirs: LivePrompt
  isSaving: boolean
  /** Publishes the merged text. */
  onSave(text: string): void
  /** Goes on editing the merged text. */
  onTake(text: string): void
  onClose(): void
}

/** Two edits of one text: what does not overlap is merged and shown, what does is decided part by part. */
export function MergeDialog({ base, mine, theirs, isSaving, onSave, onTake, onClose }: MergeDialogProps) {
  const words = useWords()
  const parts = useMemo(() => mergeTexts(base, mine, theirs.content), [base, mine, theirs.content])
  const [choices, setChoices] = useState<readonly (Choice | undefined)[]>([])
  const conflicts = parts.filter((part) => part.kind === 'conflict').length
  const text = mergedText(parts, choices)
  const decide = (index: number, choice: Choice) =>
    setChoices((now) => Object.assign([...now], { [index]: choice }))
  const left = conflicts - choices.filter(Boolean).length
  let index = 0
  return (
    <Dialog title={words.merge.title} width="wide" onClose={onClose}>
      <p>
        {words.merge.saved(theirs.updated_by ?? '', theirs.revision)}{' '}
        {conflicts === 0 ? words.merge.clean : words.merge.conflicts(conflicts)}
      </p>
      <p className={css.legend}>
        <span data-kind="mine">{words.merge.mine}</span>
        <span data-kind="theirs">{words.merge.theirs}</span>
      </p>
      <div className={css.text}>
        {parts.map((part, at) => {
          // Parts have no other name, and stay in their order.
          if (part.kind !== 'conflict') return <Merged key={at} part={part} />
          const number = index++
          return (
            <Conflict
              key={at}
              {...{ part, number }}
              choice={choices[number]}
              onChoose={(choice) => decide(number, choice)}
            />
          )
        })}
      </div>
      <div className={css.actions}>
        <span role="status">{left > 0 && words.merge.left(left)}</span>
        <button type="button" onClick={onClose}>
          {words.cancel}
        </button>
        <button
          type="button"
          disabled={text === undefined}
          onClick={() => text !== undefined && onTake(text)}
        >
          {words.merge.take}
        </button>
        <button
          type="button"
          data-kind="primary"
          disabled={text === undefined || isSaving}
          onClick={() => text !== undefined && onSave(text)}
        >
          {words.merge.save}
        </button>
      </div>
    </Dialog>
  )
}

function Merged({ part }: { part: Exclude<Part, { kind: 'conflict' }> }) {
  return part.kind === 'same' ? part.text : <mark data-kind={part.kind}>{part.text}</mark>
}

interface ConflictProps {
  part: Extract<Part, { kind: 'conflict' }>
  number: number
  choice: Choice | undefined
  onChoose(choice: Choice): void
}

function Conflict({ part, number, choice, onChoose }: ConflictProps) {
  const words = useWords()
  const name = useId()
  const texts = { mine: part.mine, theirs: part.theirs, both: bothEdits(part) }
  return (
    <fieldset className={css.conflict}>
      <legend>{words.merge.conflict(number + 1)}</legend>
      {(['mine', 'theirs', 'both'] as const).map((one) => (
        <label key={one} className={css.choice}>
          <input type="radio" name={name} checked={choice === one} onChange={() => onChoose(one)} />
          <span>{words.merge[one]}</span>
          {texts[one].trim() === '' ? (
            <span className={css.gone}>{words.merge.gone}</span>
          ) : (
            <pre>{texts[one].trim()}</pre>
          )}
        </label>
      ))}
    </fieldset>
  )
}
