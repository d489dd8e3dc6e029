/** A fence and the blanks around it are not longer. */
const MAX_HELD = 64
const OPENING = /^\s*```(?:json)?[ \t]*\r?\n/i
const MAYBE_OPENING = /^\s*(?:`{1,2}|```[a-z]{0,4}[ \t]*\r?)?$/i
const CLOSING = /\s*(?:`{1,3}\s*)?$/
const CLOSED = /^\s*```\s*$/

export interface FenceFilter {
  take(piece: string): void
  /** @returns all of the text: without the fence, or as it came if there is none around the whole of it. */
  end(): string
}

/**
 * Takes the Markdown fence away that many models put around JSON: a line ```` ```json ```` before it and a line
 * ```` ``` ```` after it.
 *
 * @param emit is given the text as it comes, held back only where a fence may be.
 */
export function fenceFilter(emit: (text: string) => void): FenceFilter {
  let state: 'before' | 'inside' | 'bare' = 'before'
  let whole = ''
  let inside = ''
  let held = ''

  function pass(text: string): void {
    if (text === '') return
    if (state === 'inside') inside += text
    emit(text)
  }

  function before(): void {
    const opening = OPENING.exec(held.slice(0, MAX_HELD))
    if (opening) {
      state = 'inside'
      held = held.slice(opening[0].length)
      holdClosing()
    } else if (held.length >= MAX_HELD || !MAYBE_OPENING.test(held)) {
      state = 'bare'
      pass(held)
      held = ''
    }
  }

  /** Passes on what cannot belong to the closing fence. */
  function holdClosing(): void {
    const end = held.slice(-MAX_HELD)
    const at = held.length - end.length + (CLOSING.exec(end)?.index ?? end.length)
    pass(held.slice(0, at))
    held = held.slice(at)
  }

  return {
    take(piece) {
      whole += piece
      if (state === 'bare') return pass(piece)
      held += piece
      if (state === 'before') before()
      else holdClosing()
    },
    end() {
      if (state === 'inside' && CLOSED.test(held)) return inside
      pass(held)
      return whole
    },
  }
}
