import { Ago } from '../../ui/ago.tsx'
import { Notice } from '../../ui/notice.tsx'
import { showToast } from '../../ui/toasts.ts'
import { useWords } from '../../words/words.ts'
import { DifferenceButton } from './difference-button.tsx'
import type { Editing } from './use-editing.ts'
import type { LivePrompt } from './use-live-prompt.ts'

/** Says that what stands in the editor is a draft from before, and not what is served. */
export function DraftBar({ editing, live }: { editing: Editing; live: LivePrompt }) {
  const words = useWords()
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
      <DifferenceButton
        title={words.draft.title}
        before={{ name: words.liveRevision(live.revision), text: live.content }}
        after={{ name: words.draft.yours, text }}
      />
      <button type="button" onClick={discard}>
        {words.draft.discard}
      </button>
    </>
  )
  return (
    <Notice tone="draft" actions={actions}>
      {words.draft.restored} <Ago time={restoredAt} />.{' '}
      {base.revision === live.revision
        ? words.draft.onLive
        : words.draft.onOlder(base.revision, live.revision)}
    </Notice>
  )
}
