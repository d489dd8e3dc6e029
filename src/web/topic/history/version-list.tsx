import type { Version } from '../../rest/prompts.ts'
import { Ago } from '../../ui/ago.tsx'
import { Badge } from '../../ui/badge.tsx'
import { useWords } from '../../words/words.ts'
import css from './history-page.module.css'

interface VersionListProps {
  versions: readonly Version[]
  before: Version
  after: Version
  onChoose(side: 'from' | 'to', version: Version): void
}

/** The versions, newest first, with the two that are compared. */
export function VersionList({ versions, before, after, onChoose }: VersionListProps) {
  const words = useWords()
  return (
    <>
      <p className={css.caption} aria-hidden="true">
        <span>{words.history.shown}</span>
        <span>{words.history.comparedWith}</span>
      </p>
      <ol className={css.versions}>
        {versions.map((version) => (
          <li key={version.version_id} data-chosen={version === after || undefined}>
            <button
              type="button"
              data-kind="quiet"
              className={css.version}
              aria-pressed={version === after}
              onClick={() => onChoose('to', version)}
            >
              <span>
                <b>{words.revision(version.revision)}</b>{' '}
                {version.current && <Badge tone="good">{words.prompt.live}</Badge>}
              </span>
              <span className={css.quiet}>
                {version.updated_by} · <Ago time={version.updated_at} />
              </span>
              {version.note !== undefined && <span className={css.note}>{version.note}</span>}
            </button>
            <label className={css.compare}>
              <input
                type="radio"
                name="from"
                checked={version === before}
                onChange={() => onChoose('from', version)}
              />
              <span className="visually-hidden">{words.history.compareWith(version.revision)}</span>
            </label>
          </li>
        ))}
      </ol>
    </>
  )
}
