import { Link } from 'wouter'
import { Ago } from '../../ui/ago.tsx'
import { Badge } from '../../ui/badge.tsx'
import { IS_MAC } from '../../ui/use-keys.ts'
import { useWords } from '../../words/words.ts'
import css from './save-bar.module.css'
import type { Editing } from './use-editing.ts'
import type { LivePrompt } from './use-live-prompt.ts'
import type { Saving } from './use-saving.ts'

const MAX_NOTE = 500

interface SaveBarProps {
  live: LivePrompt
  editing: Editing
  saving: Saving
  note: string
  isReadOnly: boolean
  onNote(note: string): void
  onSave(): void
}

/** What is live, whether there is anything to save, and the way to save it. */
export function SaveBar({ live, editing, saving, note, isReadOnly, onNote, onSave }: SaveBarProps) {
  const words = useWords()
  const isNew = editing.base.revision === 0
  return (
    <div className={css.bar}>
      <p className={css.state}>
        {editing.isDirty ? (
          <Badge tone="accent">{words.prompt.draft}</Badge>
        ) : (
          !isNew && !isReadOnly && <Badge tone="good">{words.prompt.live}</Badge>
        )}{' '}
        {live.updated_at === undefined ? (
          words.prompt.none
        ) : (
          <>
            {words.prompt.revision(live.revision)} · {live.updated_by} · <Ago time={live.updated_at} />{' '}
          </>
        )}
      </p>
      {!isNew && <Link href="/history">{words.history.title}</Link>}
      {!isReadOnly && (
        <>
          <input
            className={css.note}
            value={note}
            maxLength={MAX_NOTE}
            aria-label={words.prompt.note}
            placeholder={words.prompt.note}
            onInput={(event) => onNote(event.currentTarget.value)}
          />
          <button
            type="button"
            data-kind="primary"
            disabled={saving.isSaving || (!editing.isDirty && !isNew)}
            title={`${words.prompt.saveHint} (${IS_MAC ? '⌘' : 'Ctrl+'}S)`}
            onClick={onSave}
          >
            {saving.isSaving ? words.prompt.saving : words.prompt.save}
          </button>
        </>
      )}
    </div>
  )
}
