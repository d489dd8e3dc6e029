import type { DataOf } from '../rest/rest.ts'
import { Ago } from '../ui/ago.tsx'
import { useLanguage, useWords } from '../words/words.ts'

/** How much a topic is used: what an edit of it will be noticed by. */
export function UsageFacts({ calls_24h, last_called_at, last_caller }: DataOf<'topics.usage'>) {
  const words = useWords().usage
  const language = useLanguage()
  return (
    <span title={words.hint}>
      {words.calls(calls_24h.toLocaleString(language), calls_24h)}
      {last_called_at !== undefined && (
        <>
          {' · '}
          {words.last(last_caller ?? '')} <Ago time={last_called_at} />
        </>
      )}
      .
    </span>
  )
}
