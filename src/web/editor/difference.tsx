import { MergeView, unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { useWords } from '../words/words.ts'
import css from './difference.module.css'
import { textView } from './extensions.ts'
import { differenceLook } from './theme.ts'

/** Below this, two columns are too narrow to read. */
const NARROW_PX = 720
const COLLAPSE = { margin: 3, minSize: 6 }

export interface Side {
  name: string
  text: string
}

/** How `after` differs from `before`: side by side, or in one column where there is no room. */
export default function Difference({ before, after }: { before: Side; after: Side }) {
  const words = useWords()
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const parent = place.current as HTMLElement
    const show = (name: string) => [
      // What comes first counts more.
      differenceLook,
      textView(name, words),
      EditorState.readOnly.of(true),
      // Readable with a keyboard, though not editable.
      EditorView.contentAttributes.of({ tabindex: '0' }),
      EditorView.editable.of(false),
    ]
    if (parent.clientWidth < NARROW_PX) {
      const merge = unifiedMergeView({
        original: before.text,
        mergeControls: false,
        collapseUnchanged: COLLAPSE,
      })
      const view = new EditorView({ parent, doc: after.text, extensions: [show(after.name), merge] })
      return () => view.destroy()
    }
    const view = new MergeView({
      parent,
      a: { doc: before.text, extensions: show(before.name) },
      b: { doc: after.text, extensions: show(after.name) },
      gutter: true,
      collapseUnchanged: COLLAPSE,
    })
    return () => view.destroy()
  }, [before.name, before.text, after.name, after.text, words])
  return (
    <div className={css.difference}>
      <div className={css.names}>
        <span>{before.name}</span>
        <span>{after.name}</span>
      </div>
      <div ref={place} />
    </div>
  )
}
