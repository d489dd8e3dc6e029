import type { MouseEvent, ReactNode } from 'react'

/** What each row of the list is told. */
export interface RowProps {
  id: string
  index: number
  isCurrent: boolean
  /** Where it stands, in pixels. */
  top: number
  height: number
}

interface GridRowProps extends RowProps {
  className: string | undefined
  onClick?(event: MouseEvent): void
  children: ReactNode
}

/** A row of the list, in the place where the list wants it. */
export function GridRow({ id, index, isCurrent, top, height, className, onClick, children }: GridRowProps) {
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: see the grid.
    // biome-ignore-start lint/a11y/useFocusableInteractive: see the grid.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid listens for keys.
    <div
      id={id}
      role="row"
      className={className}
      aria-rowindex={index + 2}
      data-current={isCurrent || undefined}
      style={{ height, transform: `translateY(${top}px)` }}
      onClick={onClick}
    >
      {children}
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: see above.
    // biome-ignore-end lint/a11y/useSemanticElements: see above.
  )
}
