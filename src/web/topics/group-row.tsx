import { useWords } from '../words/words.ts'
import type { Group } from './groups.ts'
import css from './topic-grid.module.css'
import type { RowProps } from './topic-row.tsx'

interface GroupRowProps extends RowProps {
  group: Group
  isClosed: boolean
  onToggle(): void
}

/** The heading of a group, which opens and closes it. */
export function GroupRow({ id, index, isCurrent, top, height, group, isClosed, onToggle }: GroupRowProps) {
  const words = useWords().topics
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: see the grid.
    // biome-ignore-start lint/a11y/useFocusableInteractive: see the grid.
    <div
      id={id}
      role="row"
      className={css.group}
      aria-rowindex={index + 2}
      data-current={isCurrent || undefined}
      style={{ height, transform: `translateY(${top}px)` }}
    >
      <div role="gridcell">
        <button
          type="button"
          data-kind="quiet"
          className={css.heading}
          tabIndex={-1}
          aria-expanded={!isClosed}
          onClick={onToggle}
        >
          {group.name || words.otherIds}
          <span className={css.quiet}>{group.topics.length}</span>
        </button>
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: see above.
    // biome-ignore-end lint/a11y/useSemanticElements: see above.
  )
}
