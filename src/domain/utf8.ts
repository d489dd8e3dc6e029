import { isUtf8 } from 'node:buffer'

/**
 * The text in `bytes`, or `undefined` if they are not valid UTF-8: nothing is replaced or guessed (spec §3).
 *
 * Not by TextDecoder: its texts take two bytes for each character, and several times as long to send.
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString() : undefined
}

/** The same for JSON, in which a byte order mark at the beginning means nothing (RFC 8259, section 8.1). */
export function decodeUtf8Json(bytes: Uint8Array): string | undefined {
  return decodeUtf8(bytes)?.replace(/^\uFEFF/, '')
}
