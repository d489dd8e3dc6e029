import { isUtf8 } from 'node:buffer'
import * as z from 'zod'

export type JsonValue = string | number | boolean | null | JsonValue[] | { [member: string]: JsonValue }

/** Any JSON object, as it is: `z.record` would drop a member called `__proto__` without a word. */
export const JsonObject = z
  .custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    { error: 'is not an object', params: { expected: 'object' } },
  )
  .meta({ type: 'object', additionalProperties: true })

/** Whether `value` nests deeper than `limit` levels. Looks no deeper, so hostile depth cannot end the stack. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return limit < 0
  if (limit <= 0) return limit < 0 || Object.keys(value).length > 0
  return Object.values(value).some((member) => isDeeperThan(member, limit - 1))
}

/**
 * Whether a number can be what was written. Beyond ±9007199254740991 integers are rounded when they are read as
 * doubles, and nothing tells a rounded one from an exact one afterwards.
 */
export function isExact(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

/** Reads an own member; inherited ones (`constructor`, `toString`, …) do not exist for templates and rules. */
export function ownMember(holder: unknown, name: string): unknown {
  return typeof holder === 'object' &&
    holder !== null &&
    !Array.isArray(holder) &&
    Object.hasOwn(holder, name)
    ? (holder as Record<string, unknown>)[name]
    : undefined
}

/** Equal by their JSON, whatever the order of members. */
export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}

/** The mark that some editors and shells put before a text in UTF-8. It is no part of the text. */
const BYTE_ORDER_MARK = '\uFEFF'

/** A text from a file, a stream, an object or a secret, without the byte-order mark that may stand before it. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
}

/**
 * How a text is written to a file or an object, so that {@link decodeUtf8} reads just this text again: one that begins
 * with the character U+FEFF itself gets a mark before it.
 */
export function encodable(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK + text : text
}

/**
 * The text in `bytes` without a byte-order mark, or `undefined` if they are not valid UTF-8: nothing is replaced or
 * guessed.
 *
 * Not by TextDecoder: its texts take two bytes for each character, and several times as long to send.
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined
  return withoutByteOrderMark(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
}

/** Stands for bytes that are not JSON. */
export const NOT_JSON = Symbol('not JSON')

/** The JSON value in `bytes`, or {@link NOT_JSON}: also for invalid UTF-8, which is never replaced or guessed. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes)
  if (text === undefined) return NOT_JSON
  try {
    return JSON.parse(text)
  } catch {
    return NOT_JSON
  }
}

const LINE_BREAKS = /[\u0085\u2028\u2029]/

/**
 * JSON that stands on a line of its own, in a log or a stream. JSON lets these characters stand as they are, but many
 * readers of lines and of server-sent events end a line at them.
 */
export function escapeLineBreaks(json: string): string {
  if (!LINE_BREAKS.test(json)) return json
  return json.replace(
    new RegExp(LINE_BREAKS, 'g'),
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The JSON of a value in UTF-8. */
export function jsonBytes(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}
