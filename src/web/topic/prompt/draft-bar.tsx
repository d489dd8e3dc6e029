import { lazy, Suspense, useState } from 'react'
import { Ago } from '../../ui/ago.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Notice, Waiting } from '../../ui/notice.tsx'
import { showToast } from '../../ui/toasts.ts'
import { useWords } from '../../words/words.ts'
import type { Editing } from './use-editing.ts'
import type { LivePrompt } from './use-live-prompt.ts'

const Difference = lazy(() => import('../../editor/difference.tsx'))

/** Says that what stands in the editor is a draft from before, and not what is served. */
export function DraftBar({ editing, live }: { editing: Editing; live: LivePrompt }) {
  const words = useWords()
  const [isOpen, setIsOpen] = useState(false)
  const { restoredAt, base, text } = editing
  if (restoredAt === undefined || !editing.isDirty) return null
  const discard = () => {
    const draft = editing.textNow()
    editing.rebase(live, live.content)
    const undo = { label: words.undo, run: () => editing.rebase(base, draft) }
    showToast({ text: words.draft.discarded, tone: 'done', action: undo })
  }
  const actions = (
    <>
      <button type="button" onClick={() => setIsOpen(true)}>
        {words.difference}
      </button>
      <button type="button" onClick={discard}>
        {words.draft.discard}
      </button>
    </>
  )
  return (
    <>
      <Notice tone="draft" actions={actions}>
        {words.draft.restored} <Ago time={restoredAt} />.{' '}
        {base.revision === live.revision
          ? words.draft.onLive
          : words.draft.onOlder(base.revision, live.revision)}
      </Notice>
      {isOpen && (
        <Dialog title={words.draft.title} width="wide" onClose={() => setIsOpen(false)}>
          <Suspense fallback={<Waiting />}>
            <Difference
              before={{ name: words.liveRevision(live.revision), text: live.content }}
              after={{ name: words.draft.yours, text }}
            />
          </Suspense>
        </Dialog>
      )}
    </>
  )
}
