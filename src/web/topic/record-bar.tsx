import type { Topic } from '../rest/topics.ts'
import { Badge } from '../ui/badge.tsx'
import { Notice } from '../ui/notice.tsx'
import { translated } from '../words/faults.ts'
import { useWords } from '../words/words.ts'
import css from './record-bar.module.css'
import type { RecordEdit } from './use-record-edit.ts'

interface RecordBarProps {
  title: string
  topic: Topic
  edit: Pick<RecordEdit<object>, 'isDirty' | 'isSaving' | 'faults' | 'save' | 'discard' | 'insist'> & {
    overlaps: readonly unknown[]
  }
}

/** Above an edit of the record: whether there is anything to save, the way to save it, and who else has changed it. */
export function RecordBar({ title, topic, edit }: RecordBarProps) {
  const words = useWords()
  const { isDirty, isSaving, overlaps, faults, save, discard, insist } = edit
  const decide = (
    <>
      <button type="button" onClick={discard}>
        {words.record.takeTheirs}
      </button>
      <button type="button" onClick={insist}>
        {words.record.keepMine}
      </button>
    </>
  )
  return (
    <div className={css.above}>
      <div className={css.bar}>
        <h2>
          {title} {isDirty && <Badge tone="accent">{words.prompt.draft}</Badge>}
        </h2>
        <button type="button" disabled={!isDirty} onClick={discard}>
          {words.record.discard}
        </button>
        <button
          type="button"
          data-kind="primary"
          disabled={!isDirty || isSaving || overlaps.length > 0 || topic.deleted_at !== undefined}
          onClick={() => void save()}
        >
          {words.prompt.save}
        </button>
      </div>
      {overlaps.length > 0 && (
        <Notice tone="warn" actions={decide}>
          {words.record.overlap(topic.updated_by)}
        </Notice>
      )}
      {faults.length > 0 && (
        <Notice tone="bad">
          {faults.map(({ path, message, line, column }) => (
            <p key={`${path}${line}${column}`}>
              <code>
                {path}
                {line !== undefined && ` ${line}:${column}`}
              </code>{' '}
              {translated(message, words.phrases)}
            </p>
          ))}
        </Notice>
      )}
    </div>
  )
}
