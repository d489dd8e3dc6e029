import { useWords } from '../words/words.ts'
import { GridRow, type RowProps } from './grid-row.tsx'
import type { Group } from './groups.ts'
import css from './topic-grid.module.css'

interface GroupRowProps extends RowProps {
  group: Group
  isClosed: boolean
  onToggle(): void
}

/** The heading of a group, which opens and closes it. */
export function GroupRow({ group, isClosed, onToggle, ...row }: GroupRowProps) {
  const words = useWords().topics
  return (
    <GridRow {...row} className={css.group}>
      {/* biome-ignore lint/a11y/useFocusableInteractive lint/a11y/useSemanticElements: see the grid. */}
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
    </GridRow>
  )
}
