import { hash } from 'node:crypto'
import { invalidInput } from '../../../domain/errors.ts'

/** A strong entity tag of an answer: equal bytes, equal tag (RFC 9110, section 8.8.3). */
export function entityTag(content: string | Buffer): string {
  return `"${hash('sha256', content, 'base64url').slice(0, 22)}"`
}

/** Whether the caller holds this answer already (`If-None-Match`, RFC 9110, section 13.1.2: weak comparison). */
export function isFresh(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((one) => ['*', tag, `W/${tag}`].includes(one.trim()))
}

/**
 * The revision that an edit was made from, by `If-Match` (RFC 9110, section 13.1.1); `undefined` for `*`, which asks
 * only that there is something to edit.
 *
 * @throws AppError `invalid_input` for anything but one tag of ours.
 */
export function revisionOf(ifMatch: string): number | undefined {
  if (ifMatch.trim() === '*') return undefined
  const [, digits] = /^\s*"([1-9]\d{0,14})"\s*$/.exec(ifMatch) ?? []
  if (digits !== undefined) return Number(digits)
  const message = 'expected the ETag of an answer, for example "3".'
  throw invalidInput([{ path: 'if-match', expected: 'one revision in quotes', message }])
}
