import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type CurrentPrompt, RestError } from '../../rest/problem.ts'
import type { Version } from '../../rest/prompts.ts'
import { rest } from '../../rest/rest.ts'
import { refreshTopic } from '../../rest/topics.ts'
import { showToast } from '../../ui/toasts.ts'
import { faultWords } from '../../words/faults.ts'
import { useWords } from '../../words/words.ts'

interface Restoring {
  isBusy: boolean
  /** The text that was saved meanwhile, which the last try left alone. */
  conflict: CurrentPrompt | undefined
  /**
   * Publishes an earlier text again, unless another than the one that is seen to be live is live by now: `revision`, or
   * none.
   */
  restore(version: Version, content: string, revision: number | undefined): Promise<void>
}

/** Restoring an earlier text of a prompt. */
export function useRestoring(topic_id: string, prompt_type: string): Restoring {
  const words = useWords()
  const client = useQueryClient()
  const [isBusy, setIsBusy] = useState(false)
  const [conflict, setConflict] = useState<CurrentPrompt>()

  const path = { topic_id, prompt_type }
  const publish = ({ version_id }: Version, content: string, revision: number | undefined) =>
    revision === undefined
      ? rest('POST /admin/prompts/{topic_id}/{prompt_type}', { path, body: { content } })
      : rest('POST /admin/prompts/{topic_id}/{prompt_type}/restore', {
          path,
          body: { version_id },
          ifMatch: revision,
        })

  async function restore(...[version, content, revision]: Parameters<typeof publish>): Promise<void> {
    setIsBusy(true)
    setConflict(undefined)
    try {
      const { data } = await publish(version, content, revision)
      showToast({ text: words.history.restored(version.revision, data.revision), tone: 'done' })
    } catch (thrown) {
      if (thrown instanceof RestError && thrown.current) setConflict(thrown.current)
      else showToast({ text: faultWords(thrown, words), tone: 'failed' })
    } finally {
      setIsBusy(false)
    }
    await refreshTopic(client, topic_id)
  }

  return { isBusy, conflict, restore }
}
