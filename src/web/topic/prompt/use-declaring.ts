import { useQueryClient } from '@tanstack/react-query'
import { rest } from '../../rest/rest.ts'
import { refreshTopic, type Topic } from '../../rest/topics.ts'
import { showToast } from '../../ui/toasts.ts'
import { faultWords } from '../../words/faults.ts'
import { useWords } from '../../words/words.ts'

/** Declares a parameter that a text uses: optional text, until the table of parameters says more. */
export function useDeclaring(topic: Topic): (name: string) => Promise<void> {
  const words = useWords()
  const client = useQueryClient()
  const { topic_id, revision, allowed_parameters } = topic
  return async (name) => {
    const declared = [...allowed_parameters, { name, type: 'string' as const, required: false }]
    try {
      const path = { topic_id }
      await rest('PUT /admin/prompts/{topic_id}', {
        path,
        body: { allowed_parameters: declared },
        ifMatch: revision,
      })
      showToast({ text: words.variables.declared(name), tone: 'done' })
    } catch (error) {
      showToast({ text: faultWords(error, words), tone: 'failed' })
    }
    await refreshTopic(client, topic_id)
  }
}
