import type { Diagnostic } from '@codemirror/lint'
import type { Text } from '@codemirror/state'

/** A problem of the text, at a place in it if it has one, with a way to solve it if there is one. */
export interface Problem {
  message: string
  severity: 'error' | 'warning'
  line?: number | undefined
  column?: number | undefined
  fix?: { label: string; run(): void } | undefined
}

/** The problems that have a place, for the editor to underline. The text may have changed since they were found. */
export function diagnosticsOf(doc: Text, problems: readonly Problem[]): Diagnostic[] {
  return problems.flatMap(({ message, severity, line, column, fix }) => {
    if (line === undefined || column === undefined || line > doc.lines) return []
    const { from, text } = doc.line(line)
    const start = Math.min(column - 1, text.length)
    const close = text.indexOf('}}', start)
    const end = close === -1 ? text.length : close + 2
    const actions = fix ? [{ name: fix.label, apply: () => fix.run() }] : []
    return [{ from: from + start, to: from + end, severity, message, actions }]
  })
}
