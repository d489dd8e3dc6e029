import { diff3MergeRegions } from 'node-diff3'

/** A stretch of a merge: what nobody changed, what one side or both changed alike, or what they changed differently. */
export type Part =
  | { kind: 'same' | 'mine' | 'theirs'; text: string }
  | { kind: 'conflict'; base: string; mine: string; theirs: string }

/** How a conflict is decided. */
export type Choice = 'mine' | 'theirs' | 'both'

/**
 * Merges two edits of one text. Texts are compared sentence by sentence, because a paragraph of a prompt is often a single
 * line: edits of different sentences do not disturb each other.
 *
 * @example mergeTexts('One. Two.', 'ONE. Two.', 'One. TWO.').map((part) => part.kind) // ['mine', 'theirs']
 */
export function mergeTexts(base: string, mine: string, theirs: string): Part[] {
  const regions = diff3MergeRegions(sentences(mine), sentences(base), sentences(theirs))
  const parts = regions.map((region): Part => {
    if (region.stable) {
      const kind = ({ a: 'mine', o: 'same', b: 'theirs' } as const)[region.buffer]
      return { kind, text: region.bufferContent.join('') }
    }
    const [a, o, b] = [region.aContent, region.oContent, region.bContent].map((content) => content.join(''))
    if (a === b) return { kind: 'same', text: a as string }
    return { kind: 'conflict', base: o as string, mine: a as string, theirs: b as string }
  })
  return joined(parts)
}

/** The text that a merge comes to, with a choice for each conflict in order; `undefined` while one is missing. */
export function mergedText(
  parts: readonly Part[],
  choices: readonly (Choice | undefined)[],
): string | undefined {
  let index = 0
  let text = ''
  for (const part of parts) {
    if (part.kind !== 'conflict') {
      text += part.text
      continue
    }
    const choice = choices[index++]
    if (choice === undefined) return undefined
    text += choice === 'both' ? bothEdits(part) : part[choice]
  }
  return text
}

/** Both edits of a conflict, one behind the other. */
export function bothEdits({ mine, theirs }: { mine: string; theirs: string }): string {
  // The last sentence of a text has no space after it.
  return /\S$/.test(mine) && /^\S/.test(theirs) ? `${mine} ${theirs}` : mine + theirs
}

/** Sentences with the space after them; whole lines where there are none. Together they are the text again. */
function sentences(text: string): string[] {
  return text.match(/[^\n]*?[.!?](?:[^\S\n]+|(?=\n|$))\n*|[^\n]+\n*|\n+/g) ?? []
}

/** Neighbours of one kind are one part. */
function joined(parts: readonly Part[]): Part[] {
  const result: Part[] = []
  for (const part of parts) {
    const last = result.at(-1)
    if (last && last.kind !== 'conflict' && part.kind === last.kind) last.text += part.text
    else if (part.kind === 'conflict' || part.text !== '') result.push({ ...part })
  }
  return result
}
