import { Ago } from '../../ui/ago.tsx'
import { Notice } from '../../ui/notice.tsx'
import { useWords } from '../../words/words.ts'
import { DifferenceButton } from './difference-button.tsx'
import type { LivePrompt } from './use-live-prompt.ts'

interface NewerBarProps {
  live: LivePrompt
  text: string
  onMerge(): void
}

/** Says that a newer text was saved than the one this edit began with. The edit is not touched. */
export function NewerBar({ live, text, onMerge }: NewerBarProps) {
  const words = useWords()
  const actions = (
    <>
      <DifferenceButton
        title={words.newer.title}
        before={{ name: words.draft.yours, text }}
        after={{ name: words.liveRevision(live.revision), text: live.content }}
      />
      <button type="button" onClick={onMerge}>
        {words.newer.merge}
      </button>
    </>
  )
  return (
    <Notice tone="warn" actions={actions}>
      {words.newer.saved(live.updated_by ?? '', live.revision)}
      {live.updated_at !== undefined && (
        <>
          {' '}
          (<Ago time={live.updated_at} />)
        </>
      )}
      . {words.newer.untouched}
    </Notice>
  )
}
