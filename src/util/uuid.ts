import { randomBytes } from 'node:crypto'

/**
 * A UUID of version 7 (RFC 9562, section 5.7): milliseconds since 1970, then chance. Ids of later milliseconds sort after
 * earlier ones.
 *
 * @example timeOrderedUuid(clock()) // '019ac9c3-8a10-7cc1-9d0e-6f0f2f6a1d3b'
 */
export function timeOrderedUuid(now: Date): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now.getTime(), 0, 6)
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Whether a text is a UUID of any version, as this program writes them. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}
