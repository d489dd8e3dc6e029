import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type CurrentPrompt, type Fault, hasCode, RestError } from '../../rest/problem.ts'
import { type Prompt, promptQuery } from '../../rest/prompts.ts'
import { rest } from '../../rest/rest.ts'
import { refreshTopic } from '../../rest/topics.ts'
import { showToast } from '../../ui/toasts.ts'
import { faultWords } from '../../words/faults.ts'
import { useWords } from '../../words/words.ts'
import type { Editing } from './use-editing.ts'

export interface Saving {
  isSaving: boolean
  /** What the server refused the text for. */
  faults: readonly Fault[]
  /** The text of another user, when it was saved first. */
  conflict: CurrentPrompt | undefined
  /** Publishes a text that was made from `revision`; what is being edited by default. */
  save(note: string, text?: string, revision?: number): Promise<boolean>
  settleConflict(): void
}

/** Publishing the edit of a prompt. Whatever happens, the text stays where it is. */
export function useSaving(topic_id: string, prompt_type: string, editing: Editing): Saving {
  const words = useWords()
  const client = useQueryClient()
  const [isSaving, setIsSaving] = useState(false)
  const [faults, setFaults] = useState<readonly Fault[]>([])
  const [conflict, setConflict] = useState<CurrentPrompt>()

  function adopt(saved: Prompt, content: string): void {
    client.setQueryData(promptQuery(topic_id, prompt_type, saved.revision).queryKey, saved)
    const typed = editing.textNow()
    // What was typed while the text was on its way goes on from there.
    editing.rebase(saved, typed === content ? saved.content : typed)
    void refreshTopic(client, topic_id)
    showToast({ text: words.prompt.saved(saved.revision), tone: 'done' })
  }

  async function save(note: string, text?: string, revision?: number): Promise<boolean> {
    if (isSaving) return false
    setIsSaving(true)
    setFaults([])
    const content = text ?? editing.textNow()
    const ifMatch = revision ?? editing.base.revision
    try {
      const input = { path: { topic_id, prompt_type }, body: { content, ...(note !== '' && { note }) } }
      const { data } =
        ifMatch === 0
          ? await rest('POST /admin/prompts/{topic_id}/{prompt_type}', input)
          : await rest('PUT /admin/prompts/{topic_id}/{prompt_type}', { ...input, ifMatch })
      if (text !== undefined) editing.rebase(data, text)
      adopt(data, content)
      setConflict(undefined)
      return true
    } catch (error) {
      if (error instanceof RestError && error.current) setConflict(error.current)
      else if (error instanceof RestError && error.faults.length > 0) setFaults(error.faults)
      else showToast({ text: `${faultWords(error, words)} ${words.prompt.notSaved}`, tone: 'failed' })
      if (hasCode(error, 'conflict')) void refreshTopic(client, topic_id)
      return false
    } finally {
      setIsSaving(false)
    }
  }

  return { isSaving, faults, conflict, save, settleConflict: () => setConflict(undefined) }
}
