import { crc32 } from 'node:zlib'

// Frames of the content type application/vnd.amazon.eventstream, in which AWS streams: total length, length of the
// headers, checksum of both; headers; payload; checksum of it all.

const STRING_HEADER = 7
const AROUND = 16

export const eventFrame = (type: string, payload: object) => frame('event', type, payload)

/** A failure in the middle of a stream. */
export const exceptionFrame = (type: string, payload: object) => frame('exception', type, payload)

function frame(kind: 'event' | 'exception', type: string, payload: object): Buffer {
  const headers = Buffer.concat([
    header(':message-type', kind),
    header(`:${kind}-type`, type),
    header(':content-type', 'application/json'),
  ])
  const body = Buffer.from(JSON.stringify(payload))
  const whole = Buffer.alloc(AROUND + headers.length + body.length)
  whole.writeUInt32BE(whole.length, 0)
  whole.writeUInt32BE(headers.length, 4)
  whole.writeUInt32BE(crc32(whole.subarray(0, 8)), 8)
  headers.copy(whole, 12)
  body.copy(whole, 12 + headers.length)
  whole.writeUInt32BE(crc32(whole.subarray(0, -4)), whole.length - 4)
  return whole
}

function header(name: string, value: string): Buffer {
  const head = Buffer.alloc(1 + name.length + 3)
  head.writeUInt8(name.length, 0)
  head.write(name, 1)
  head.writeUInt8(STRING_HEADER, 1 + name.length)
  head.writeUInt16BE(Buffer.byteLength(value), 2 + name.length)
  return Buffer.concat([head, Buffer.from(value)])
}
