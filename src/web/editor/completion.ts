import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete'
import type { Extension } from '@codemirror/state'
import type { Parameter } from '../rest/topics.ts'

/** What is being typed: two braces, perhaps the sign of a section, and the beginning of a name. */
const OPEN_TAG = /\{\{\{?\s*([#^/&]?)\s*([a-z0-9_]*)$/

/** Suggests the declared parameters after `{{`, with their types and descriptions. */
export function parameterCompletion(parameters: () => readonly Parameter[]): Extension {
  return autocompletion({
    override: [(context) => suggestions(context, parameters())],
    icons: false,
  })
}

function suggestions(context: CompletionContext, parameters: readonly Parameter[]): CompletionResult | null {
  const { state, pos } = context
  const line = state.doc.lineAt(pos)
  const found = OPEN_TAG.exec(state.sliceDoc(line.from, pos))
  const isEscaped = found && state.sliceDoc(line.from + found.index - 1, line.from + found.index) === '\\'
  if (!found || isEscaped) return null
  const [, sigil = '', typed = ''] = found
  const isClosed = state.sliceDoc(pos, pos + 2) === '}}'
  return {
    from: pos - typed.length,
    options: parameters.map((parameter) => optionOf(parameter, sigil, isClosed)),
    validFor: /^[a-z0-9_]*$/,
  }
}

function optionOf({ name, type, description }: Parameter, sigil: string, isClosed: boolean): Completion {
  // A section is opened and closed at once, with the cursor inside.
  const inner = sigil === '#' || sigil === '^' ? `${name}}}{{/${name}` : name
  const text = isClosed ? inner : `${inner}}}`
  const cursor = name.length + '}}'.length
  return {
    label: name,
    detail: type,
    ...(description !== undefined && { info: description }),
    apply: (view, _, from, to) =>
      view.dispatch({
        changes: { from, to, insert: text },
        selection: { anchor: from + cursor },
        userEvent: 'input.complete',
      }),
  }
}
