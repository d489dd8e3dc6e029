import { type EditorState, type Extension, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view'
import { maskEscapes, scanTags, type Tag } from '../../domain/template/tags.ts'

/** Replaces the names that count as declared. */
export const setDeclared = StateEffect.define<ReadonlySet<string>>()

const declaredNames = StateField.define<ReadonlySet<string>>({
  create: () => new Set(),
  update(names, transaction) {
    for (const effect of transaction.effects) if (effect.is(setDeclared)) return effect.value
    return names
  },
})

const KINDS = ['comment', 'section', 'declared', 'undeclared', 'broken'] as const
type Kind = (typeof KINDS)[number]
const MARKS = Object.fromEntries(
  KINDS.map((kind) => [kind, Decoration.mark({ class: `cm-tag cm-tag-${kind}` })]),
) as Record<Kind, Decoration>

/** Marks every tag of the text by what it is; the tags are found by the server's own grammar. */
const tagMarks = StateField.define<DecorationSet>({
  create: marksOf,
  update: (marks, transaction) =>
    transaction.docChanged || transaction.effects.some((effect) => effect.is(setDeclared))
      ? marksOf(transaction.state)
      : marks,
  provide: (field) => EditorView.decorations.from(field),
})

function marksOf(state: EditorState): DecorationSet {
  const declared = state.field(declaredNames)
  const text = state.doc.toString()
  const marks = new RangeSetBuilder<Decoration>()
  let sections = 0
  for (const tag of scanTags(maskEscapes(text))) {
    if (tag.sigil === '#') sections++
    if (tag.sigil === '/') sections = Math.max(0, sections - 1)
    marks.add(tag.start, endOf(tag, text), MARKS[kindOf(tag, declared, sections > 0)])
  }
  return marks.finish()
}

function kindOf({ sigil, name, missing }: Tag, declared: ReadonlySet<string>, isInSection: boolean): Kind {
  if (missing) return 'broken'
  if (sigil === '!') return 'comment'
  if (sigil === '/') return 'section'
  const isKnown = declared.has(name.split('.', 1)[0] as string)
  // Inside a section the fields of its items are free: what is no parameter may be one of them.
  if (!isKnown && !isInSection) return 'undeclared'
  return sigil === '#' || sigil === '^' ? 'section' : 'declared'
}

/** Where a tag ends; one that is never closed, at the end of its line. */
function endOf({ start, missing }: Tag, text: string): number {
  if (missing) {
    const lineEnd = text.indexOf('\n', start)
    return lineEnd === -1 ? text.length : lineEnd
  }
  const close = text.startsWith('{{{', start) ? '}}}' : '}}'
  return text.indexOf(close, start) + close.length
}

export function mustache(): Extension {
  return [declaredNames, tagMarks]
}
