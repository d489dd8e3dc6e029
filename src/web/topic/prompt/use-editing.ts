import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { adoptDraft, type Base, dropDraft, keepDraft } from '../../drafts/drafts.ts'
import type { EditorHandle } from '../../editor/code-editor.tsx'
import type { LivePrompt } from './use-live-prompt.ts'

/** A pause in typing, after which what is typed is kept, and after which it is checked. */
const KEEP_AFTER_MS = 120
const SETTLE_AFTER_MS = 250

/** A text that is being edited. */
export interface Editing {
  /** The live text that the edit began with. */
  base: Base
  /** The text as it was at the last pause in typing. */
  text: string
  /** The text at this instant. */
  textNow(): string
  /** Whether it differs from the live text that it began with. */
  isDirty: boolean
  /** When the draft was typed last that this edit goes on with; `undefined` for one that began here. */
  restoredAt: number | undefined
  /** Takes note of what was typed. */
  type(text: string): void
  /** Goes on with another text, on another base. */
  rebase(base: Base, text: string): void
}

/**
 * The edit of one prompt: what is typed, what it began with, and its draft in this browser. A live text that changes
 * elsewhere replaces what is shown only as long as nothing was typed.
 *
 * @returns `undefined` until it is known whether there is a draft.
 */
export function useEditing(
  topic_id: string,
  prompt_type: string,
  live: LivePrompt | undefined,
  editor: RefObject<EditorHandle | null>,
): Editing | undefined {
  const [state, setState] = useState<{ base: Base; text: string; restoredAt?: number | undefined }>()
  const now = useRef('')
  const base = useRef<Base>({ revision: 0, content: '' })
  const timers = useRef<{ keep?: number; settle?: number }>({})

  const keep = useCallback(() => {
    clearTimeout(timers.current.keep)
    const { revision, content } = base.current
    const draft = { base: { revision, content }, text: now.current, at: Date.now() }
    void (now.current === content
      ? dropDraft(topic_id, prompt_type)
      : keepDraft(topic_id, prompt_type, draft))
  }, [topic_id, prompt_type])

  const begin = useCallback((next: Base, text: string, restoredAt?: number) => {
    base.current = next
    now.current = text
    setState({ base: next, text, restoredAt })
  }, [])

  const isLoaded = live !== undefined
  // Once, with the live text that came first.
  useEffect(() => {
    if (!live) return
    let isGone = false
    // A browser that keeps nothing (a private window, a full disk) must not keep anybody from writing.
    void adoptDraft(topic_id, prompt_type)
      .catch(() => undefined)
      .then((draft) => {
        if (isGone) return
        if (draft && draft.text !== live.content) begin(draft.base, draft.text, draft.at)
        else {
          begin(live, live.content)
          if (draft) void dropDraft(topic_id, prompt_type)
        }
      })
    return () => {
      isGone = true
    }
  }, [isLoaded])

  useEffect(() => {
    const isNew = live && state && live.revision !== base.current.revision
    if (!isNew || now.current !== base.current.content) return
    begin(live, live.content)
    editor.current?.setText(live.content)
  }, [live, state, begin, editor])

  useEffect(() => {
    // Tabs are closed, and phones put pages to sleep, without waiting for a pause.
    const flush = () => timers.current.keep !== undefined && keep()
    document.addEventListener('visibilitychange', flush)
    window.addEventListener('pagehide', flush)
    return () => {
      flush()
      clearTimeout(timers.current.settle)
      document.removeEventListener('visibilitychange', flush)
      window.removeEventListener('pagehide', flush)
    }
  }, [keep])

  if (!state) return undefined
  return {
    base: state.base,
    text: state.text,
    restoredAt: state.restoredAt,
    isDirty: state.text !== state.base.content,
    textNow: () => now.current,
    type(text) {
      now.current = text
      clearTimeout(timers.current.keep)
      clearTimeout(timers.current.settle)
      timers.current.keep = window.setTimeout(keep, KEEP_AFTER_MS)
      timers.current.settle = window.setTimeout(
        () => setState((state) => state && { ...state, text }),
        SETTLE_AFTER_MS,
      )
    },
    rebase(next, text) {
      begin(next, text)
      editor.current?.setText(text)
      keep()
    },
  }
}
