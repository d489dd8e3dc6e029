import { lazy, Suspense, useState } from 'react'
import { Ago } from '../../ui/ago.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Notice, Waiting } from '../../ui/notice.tsx'
import { useWords } from '../../words/words.ts'
import type { LivePrompt } from './use-live-prompt.ts'

const Difference = lazy(() => import('../../editor/difference.tsx'))

interface NewerBarProps {
  live: LivePrompt
  text: string
  onMerge(): void
}

/** Says that somebody has saved a newer text than the one this edit began with. The edit is not touched. */
export function NewerBar({ live, text, onMerge }: NewerBarProps) {
  const words = useWords()
  const [isOpen, setIsOpen] = useState(false)
  const actions = (
    <>
      <button type="button" onClick={() => setIsOpen(true)}>
        {words.difference}
      </button>
      <button type="button" onClick={onMerge}>
        {words.newer.merge}
      </button>
    </>
  )
  return (
    <>
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
      {isOpen && (
        <Dialog title={words.newer.title} width="wide" onClose={() => setIsOpen(false)}>
          <Suspense fallback={<Waiting />}>
            <Difference
              before={{ name: words.draft.yours, text }}
              after={{ name: words.liveRevision(live.revision), text: live.content }}
            />
          </Suspense>
        </Dialog>
      )}
    </>
  )
}
