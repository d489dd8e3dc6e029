import type { ModelRequest } from '../../domain/language-model.ts'

/** No sentence of an error says that much of a prompt by chance. */
const QUOTE_LENGTH = 16
/** Shorter texts tell nothing. */
const SHORTEST = 4
const LONGEST = 500

/** What Bedrock says about a request, or nothing, if it repeats any of the request's texts. */
export function withoutQuotes(said: string, { system, messages }: ModelRequest): string {
  const shown = said.slice(0, LONGEST)
  const texts = [...system, ...messages.map(({ content }) => content)]
  return texts.some((text) => isQuoted(shown, text)) ? '' : shown
}

function isQuoted(said: string, text: string): boolean {
  if (text.length < QUOTE_LENGTH) return text.length >= SHORTEST && said.includes(text)
  for (let start = 0; start + QUOTE_LENGTH <= said.length; start++) {
    if (text.includes(said.slice(start, start + QUOTE_LENGTH))) return true
  }
  return false
}
