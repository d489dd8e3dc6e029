import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bothEdits, mergedText, mergeTexts } from '../../src/web/merging/merge.ts'

const sentence = fc.constantFrom(
  'One. ',
  'Two! ',
  'Is it three?\n',
  'four\n',
  '\n',
  '- five, e.g. six\n',
  '\n\n',
  'x',
)
const text = fc.array(sentence, { maxLength: 12 }).map((sentences) => sentences.join(''))

describe('a merge', () => {
  it('of one edit is that edit, whichever side made it', () => {
    fc.assert(
      fc.property(text, text, (base, edited) => {
        expect(mergedText(mergeTexts(base, edited, base), [])).toBe(edited)
        expect(mergedText(mergeTexts(base, base, edited), [])).toBe(edited)
        expect(mergedText(mergeTexts(base, edited, edited), [])).toBe(edited)
      }),
    )
  })

  it('with every conflict decided for one side holds all that this side has', () => {
    fc.assert(
      fc.property(text, text, text, (base, mine, theirs) => {
        const parts = mergeTexts(base, mine, theirs)
        const conflicts = parts.filter((part) => part.kind === 'conflict')
        const both = mergedText(
          parts,
          conflicts.map(() => 'both' as const),
        ) as string
        for (const conflict of conflicts) expect(both).toContain(bothEdits(conflict))
        if (conflicts.length > 0) expect(mergedText(parts, [])).toBeUndefined()
      }),
    )
  })

  it('keeps edits of different sentences of one paragraph apart', () => {
    const base = 'You coach. Be kind. Ask one question.'
    const parts = mergeTexts(base, base.replace('coach', 'coach well'), base.replace('one', 'two'))
    expect(parts.map((part) => part.kind)).toEqual(['mine', 'same', 'theirs'])
    expect(mergedText(parts, [])).toBe('You coach well. Be kind. Ask two question.')
  })

  it('asks where both changed the same sentence, and keeps both apart if both are wanted', () => {
    const parts = mergeTexts('Be brief.', 'Be exact.', 'Be kind.')
    expect(parts).toEqual([{ kind: 'conflict', base: 'Be brief.', mine: 'Be exact.', theirs: 'Be kind.' }])
    expect(mergedText(parts, ['both'])).toBe('Be exact. Be kind.')
  })
})
