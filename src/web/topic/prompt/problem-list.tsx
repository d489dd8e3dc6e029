import type { Problem } from '../../editor/diagnostics.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import css from './problem-list.module.css'

const MAX_BYTES = 51_200

interface ProblemListProps {
  problems: readonly Problem[]
  bytes: number
  onGo(line: number, column: number): void
}

/** Below the text: how large it is, and all that would keep it from being saved. */
export function ProblemList({ problems, bytes, onGo }: ProblemListProps) {
  const words = useWords()
  const language = useLanguage()
  return (
    <div className={css.foot}>
      <div className={css.status} data-problems={problems.length > 0}>
        <output>{words.problems.count(problems.length)}</output>
        <span className={bytes > MAX_BYTES ? css.tooLarge : undefined}>
          {words.problems.bytes(bytes.toLocaleString(language), MAX_BYTES.toLocaleString(language))}
        </span>
      </div>
      {problems.length > 0 && (
        <ul className={css.list} aria-label={words.problems.title}>
          {problems.map(({ message, line, column, fix }, index) => (
            // The same fault may be in the list twice.
            <li key={index}>
              <button
                type="button"
                data-kind="quiet"
                className={css.place}
                disabled={line === undefined}
                onClick={() => line !== undefined && onGo(line, column ?? 1)}
              >
                {line !== undefined && (
                  <span>
                    {line}:{column}
                  </span>
                )}
                {message}
              </button>
              {fix && (
                <button type="button" onClick={fix.run}>
                  {fix.label}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
