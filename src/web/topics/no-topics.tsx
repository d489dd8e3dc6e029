import { useWords } from '../words/words.ts'
import type { Filters } from './filters.ts'

interface NoTopicsProps {
  /** Whether there are topics that the filters do not let through. */
  hasAny: boolean
  state: Filters['state']
  onClear(): void
}

/** Why the list is empty, and what to do about it. */
export function NoTopics({ hasAny, state, onClear }: NoTopicsProps) {
  const words = useWords().topics
  if (!hasAny) return <p>{state === 'deleted' ? words.noneDeleted : words.noneYet}</p>
  return (
    <>
      <p>{words.none}</p>
      <button type="button" onClick={onClear}>
        {words.clear}
      </button>
    </>
  )
}
