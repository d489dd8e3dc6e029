/** What the letter after a backslash stands for in JSON. */
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * Reads one text member of a JSON object while the object is still being written.
 *
 * @param emit is given the member's text as it grows, never half a character. What is no JSON gives odd text or none;
 *   whoever needs the truth parses the whole.
 * @returns takes the next piece of the JSON.
 */
export function jsonStringStream(member: string, emit: (text: string) => void): (piece: string) => void {
  let depth = 0
  let isInString = false
  /** Whether the next string of the object itself is a member's name. */
  let isName = true
  let name = ''
  /** Of an escape or a character, what has come so far. */
  let pending = ''
  let high = ''
  let text = ''

  const isWanted = () => depth === 1 && !isName && name === member

  function take(characters: string): void {
    if (depth !== 1) return
    if (isName) name += characters
    else if (isWanted()) text += characters
  }

  function takeUnit(unit: string): void {
    const isHigh = /[\uD800-\uDBFF]/.test(unit)
    if (isHigh) high = unit
    else {
      take(high + unit)
      high = ''
    }
  }

  function inString(unit: string): void {
    if (pending !== '') {
      pending += unit
      const decoded = decodeEscape(pending)
      if (decoded === undefined) return
      pending = ''
      takeUnit(decoded)
    } else if (unit === '\\') pending = unit
    else if (unit === '"') isInString = false
    else takeUnit(unit)
  }

  function outside(unit: string): void {
    if (unit === '"') {
      isInString = true
      if (depth === 1 && isName) name = ''
    } else if (unit === '{' || unit === '[') depth++
    else if (unit === '}' || unit === ']') depth--
    else if (depth === 1 && unit === ':') isName = false
    else if (depth === 1 && unit === ',') isName = true
  }

  return (piece) => {
    for (let at = 0; at < piece.length; at++) {
      const unit = piece[at] as string
      if (isInString) inString(unit)
      else outside(unit)
    }
    if (text !== '') emit(text)
    text = ''
  }
}

/** The character of an escape; `undefined` while it is not whole. */
function decodeEscape(sequence: string): string | undefined {
  const letter = sequence[1] as string
  if (letter !== 'u') return ESCAPES[letter] ?? letter
  return sequence.length < 6 ? undefined : String.fromCharCode(Number.parseInt(sequence.slice(2), 16))
}
