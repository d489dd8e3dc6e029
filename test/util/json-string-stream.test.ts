import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonStringStream } from '../../src/util/json-string-stream.ts'

/** The pieces of text that come out when `json` goes in, `size` characters at a time. */
function read(json: string, size = 1): string[] {
  const emitted: string[] = []
  const push = jsonStringStream('analysis', (text) => emitted.push(text))
  for (let at = 0; at < json.length; at += size) push(json.slice(at, at + size))
  return emitted
}

describe('the text of one member', () => {
  it('is the same as if the whole had been parsed, however it is cut', () =>
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.jsonValue(),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        (analysis, other, isFirst, size) => {
          const json = JSON.stringify(isFirst ? { analysis, other } : { other, analysis, last: [other] })
          const pieces = read(json, size)
          expect(pieces.join('')).toBe(analysis)
          if (analysis.isWellFormed()) expect(pieces.every((piece) => piece.isWellFormed())).toBe(true)
        },
      ),
    ))

  it('comes as it grows', () => {
    const emitted: string[] = []
    const push = jsonStringStream('analysis', (text) => emitted.push(text))
    push('{"analysis": "Reve')
    expect(emitted).toEqual(['Reve'])
    push('nue is \\')
    expect(emitted).toEqual(['Reve', 'nue is '])
    push('"low\\ud83d')
    push('\\ude00"')
    expect(emitted.join('')).toBe('Revenue is "low😀')
  })

  it.each([
    ['a member of the same name further in', '{"x":{"analysis":"no"},"y":["analysis","no"]}', ''],
    ['a text that is its name', '{"x":"analysis","analysis":"yes"}', 'yes'],
    ['white space', ' {\n "analysis" :\t"yes" } ', 'yes'],
    ['an escaped name', '{"\\u0061nalysis":"yes"}', 'yes'],
    ['another type', '{"analysis":["no"]}', ''],
    ['no object', '"analysis"', ''],
    ['what is no JSON', 'Sure! Here: {"analysis', ''],
  ])('is not mistaken: %s', (_, json, expected) => {
    expect(read(json).join('')).toBe(expected)
    expect(read(json, 100).join('')).toBe(expected)
  })
})
