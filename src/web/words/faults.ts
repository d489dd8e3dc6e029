import { RestError } from '../rest/problem.ts'
import type { Words } from './en.ts'

/** Why a request failed, in the user's language where the code or the sentence is known; the server's own words where not. */
export function faultWords(error: unknown, words: Words): string {
  if (!(error instanceof RestError)) return words.failures.unknown(String(error))
  const known: Record<string, string | undefined> = words.failures.byCode
  const faults = error.faults.map(({ path, message }) => {
    const text = translated(message, words.phrases)
    return path ? `${path}: ${text}` : text
  })
  return known[error.code] ?? (faults.join(' ') || translated(error.message, words.phrases))
}

interface Pattern {
  pattern: RegExp
  text: string
}

const patterns = new WeakMap<Words['phrases'], readonly Pattern[]>()

/**
 * A sentence of the server in the user's language; as it is, where that is not known.
 *
 * @param phrases by their English; what varies is `$`, in the translation `$1`, `$2`, …
 * @example translated('expected one of a, b.', { 'expected $.': 'erwartet wird $1.', 'one of $': 'eines von $1' })
 *   // 'erwartet wird eines von a, b.'
 */
export function translated(sentence: string, phrases: Words['phrases']): string {
  for (const { pattern, text } of patternsOf(phrases)) {
    const found = pattern.exec(sentence)
    // What varies may be a phrase itself.
    if (found) return text.replace(/\$(\d)/g, (_, at: string) => translated(found[Number(at)] ?? '', phrases))
  }
  return sentence
}

function patternsOf(phrases: Words['phrases']): readonly Pattern[] {
  const known = patterns.get(phrases)
  if (known) return known
  const made = Object.entries(phrases).map(([english, text]) => {
    const source = english.split('$').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    // Parts are no sentences: one that happens to have their words would become a mixture of two languages.
    const noSentence = english.endsWith('.') ? '' : '(?!.*\\.$)'
    return { pattern: new RegExp(`^${noSentence}${source.join('(.+?)')}$`, 's'), text }
  })
  patterns.set(phrases, made)
  return made
}
