import { type FormEvent, useId, useState } from 'react'
import { useLocation } from 'wouter'
import { isIdentifier } from '../../domain/names.ts'
import type { Topic } from '../rest/topics.ts'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import forms from '../ui/form.module.css'
import { useWords } from '../words/words.ts'

/** Prompt types that models know. Others are for programs that fetch the texts. */
export const USUAL_TYPES = ['system', 'user', 'assistant']

/** Chooses the type of a further prompt. The prompt is there once its text is saved. */
export function AddPromptDialog({ topic, onClose }: { topic: Topic; onClose(): void }) {
  const words = useWords()
  const [, navigate] = useLocation()
  const free = USUAL_TYPES.filter((type) => !topic.available_prompts.includes(type))
  const [typed, setTyped] = useState<string>()
  // Until something is typed, it follows the topic: a prompt may have been saved just now.
  const type = typed ?? free[0] ?? ''
  const list = useId()
  const isTaken = topic.available_prompts.includes(type)
  const fault = isTaken
    ? words.topic.promptTaken
    : type !== '' && !isIdentifier(type)
      ? words.topic.promptInvalid
      : undefined
  const open = (event: FormEvent) => {
    event.preventDefault()
    if (fault !== undefined || type === '') return
    onClose()
    navigate(`/prompts/${type}`)
  }
  return (
    <Dialog title={words.topic.addPromptTitle} onClose={onClose}>
      <form className={forms.form} onSubmit={open}>
        <Field label={words.topic.promptType} hint={words.topic.promptHint} fault={fault}>
          <input
            required
            list={list}
            className={forms.code}
            value={type}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </Field>
        <datalist id={list}>
          {free.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <div className={forms.actions}>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button type="submit" data-kind="primary" disabled={fault !== undefined}>
            {words.topic.writePrompt}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
