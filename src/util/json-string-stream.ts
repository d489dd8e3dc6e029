/** Characters by the letter of their escape in JSON. */
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * Reads a string member of a JSON object while the object is still being written.
 *
 * The JSON is not validated: from anything else comes odd text or none. The caller has to parse the complete answer.
 *
 * @param emit gets the member's text as it grows, never half a character.
 * @returns the function to push each piece of the JSON into.
 * @example
 * const push = jsonStringStream('analysis', (text) => process.stderr.write(text))
 * push('{"analysis": "Reve')
 * push('nue is low."}') // writes "Reve", then "nue is low."
 */
export function jsonStringStream(member: string, emit: (text: string) => void): (piece: string) => void {
  let depth = 0
  let isInString = false
  /** Whether the next string of the object itself is a member's name. */
  let isName = true
  let name = ''
  /** An escape of which the rest is still to come. */
  let openEscape = ''
  /** The first half of a surrogate pair. */
  let highSurrogate = ''
  let text = ''

  const isWanted = () => depth === 1 && !isName && name === member

  function append(characters: string): void {
    if (depth !== 1) return
    if (isName) name += characters
    else if (isWanted()) text += characters
  }

  function pushUnit(unit: string): void {
    const isHigh = /[\uD800-\uDBFF]/.test(unit)
    if (isHigh) highSurrogate = unit
    else {
      append(highSurrogate + unit)
      highSurrogate = ''
    }
  }

  function readInside(unit: string): void {
    if (openEscape !== '') {
      openEscape += unit
      const decoded = decodeEscape(openEscape)
      if (decoded === undefined) return
      openEscape = ''
      pushUnit(decoded)
    } else if (unit === '\\') openEscape = unit
    else if (unit === '"') isInString = false
    else pushUnit(unit)
  }

  function readOutside(unit: string): void {
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
      if (isInString) readInside(unit)
      else readOutside(unit)
    }
    if (text !== '') emit(text)
    text = ''
  }
}

/** The character of an escape; `undefined` while the escape is incomplete. */
function decodeEscape(sequence: string): string | undefined {
  const letter = sequence[1] as string
  if (letter !== 'u') return ESCAPES[letter] ?? letter
  return sequence.length < 6 ? undefined : String.fromCharCode(Number.parseInt(sequence.slice(2), 16))
}
