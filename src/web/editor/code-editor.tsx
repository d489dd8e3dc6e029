import { closeBrackets } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { lintKeymap, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { EditorState, Prec } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  placeholder,
} from '@codemirror/view'
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react'
import type { Parameter } from '../rest/topics.ts'
import { useWords } from '../words/words.ts'
import css from './code-editor.module.css'
import { parameterCompletion } from './completion.ts'
import { diagnosticsOf, type Problem } from './diagnostics.ts'
import { markdownKeymap, textView } from './extensions.ts'
import { setDeclared } from './mustache.ts'

/** What can be done to the text from outside. */
export interface EditorHandle {
  /** Replaces the text, as little of it as differs: cursor, scroll position and undo history stay. */
  setText(text: string): void
  /** Puts text in place of the selection. */
  insert(text: string): void
  /** Shows a place, both numbers from 1. */
  goTo(line: number, column: number): void
}

interface CodeEditorProps {
  label: string
  /** The text to begin with; later ones come through the handle. */
  text: string
  parameters: readonly Parameter[]
  problems: readonly Problem[]
  isReadOnly: boolean
  onChange(text: string): void
  onSave(): void
  handle: Ref<EditorHandle>
}

/** A prompt text that can be edited. Tab leaves it: nobody is kept in here. */
export default function CodeEditor(props: CodeEditorProps) {
  const { label, text, parameters, problems, isReadOnly, handle } = props
  const words = useWords()
  const current = useRef(props)
  current.current = props
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)

  // Not for another text: that comes through the handle.
  useEffect(() => {
    const save = () => {
      current.current.onSave()
      return true
    }
    const editor = new EditorView({
      parent: place.current as HTMLElement,
      doc: text,
      extensions: [
        textView(label, words),
        history(),
        drawSelection(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        highlightSelectionMatches(),
        closeBrackets(),
        search({ top: true }),
        placeholder(words.editor.placeholder),
        parameterCompletion(() => current.current.parameters),
        Prec.high(keymap.of([{ key: 'Mod-s', run: save, preventDefault: true }, ...markdownKeymap])),
        keymap.of([...searchKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
        EditorState.readOnly.of(isReadOnly),
        EditorView.editable.of(!isReadOnly),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) current.current.onChange(update.state.doc.toString())
        }),
      ],
    })
    view.current = editor
    return () => editor.destroy()
  }, [label, words, isReadOnly])

  useEffect(() => {
    const names = new Set(parameters.map((parameter) => parameter.name))
    view.current?.dispatch({ effects: setDeclared.of(names) })
  }, [parameters])

  useEffect(() => {
    const editor = view.current
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state.doc, problems)))
  }, [problems])

  useImperativeHandle(handle, () => handleOf(view))
  return <div ref={place} className={css.editor} />
}

function handleOf(view: { current: EditorView | null }): EditorHandle {
  return {
    setText(text) {
      const editor = view.current
      if (!editor) return
      const change = smallestChange(editor.state.doc.toString(), text)
      if (change) editor.dispatch({ changes: change })
    },
    insert(text) {
      const editor = view.current
      if (!editor) return
      editor.dispatch(editor.state.replaceSelection(text))
      editor.focus()
    },
    goTo(line, column) {
      const editor = view.current
      if (!editor || line > editor.state.doc.lines) return
      const { from, to } = editor.state.doc.line(line)
      const anchor = Math.min(from + column - 1, to)
      editor.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) })
      editor.focus()
    },
  }
}

/** The one stretch in which two texts differ. */
function smallestChange(before: string, after: string) {
  if (before === after) return undefined
  let from = 0
  while (from < before.length && before[from] === after[from]) from++
  let end = 0
  const most = Math.min(before.length, after.length) - from
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) }
}
