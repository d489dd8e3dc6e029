import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLasting } from '../../../pipeline/served.ts'
import { entityTag, isFresh } from './conditions.ts'

/**
 * What is sent. A text goes out in one piece with the headers, which is quicker, but is encoded each time: worth it as
 * long as every character is one byte.
 */
export type Body = string | Buffer

interface Written {
  body: Body
  tag: string
}

/** What was written of objects that are answered again. */
const known = new WeakMap<object, Written>()

function write(value: object): Written {
  const before = known.get(value)
  if (before) return before
  const text = JSON.stringify(value)
  const bytes = Buffer.from(text)
  const written = { body: bytes.length === text.length ? text : bytes, tag: entityTag(bytes) }
  if (isLasting(value)) known.set(value, written)
  return written
}

/** The JSON of an answer; what its data holds of lasting parts, as in a batch, is not written again. */
function jsonOf({ data, ...rest }: { data: unknown }): Body {
  const members = Object.entries(data as object)
  if (members.length === 0 || !members.every(([, part]) => isLasting(part))) {
    return JSON.stringify({ data, ...rest })
  }
  const pieces = members.flatMap(([name, part], index) => [
    `${index === 0 ? '{"data":{' : ','}${JSON.stringify(name)}:`,
    write(part).body,
  ])
  const end = JSON.stringify(rest)
  return joined([...pieces, end === '{}' ? '}}' : `},${end.slice(1)}`])
}

function joined(pieces: readonly Body[]): Body {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('')
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}

/** The body of what a caller may keep and ask about again, with a strong ETag; none, and 304 sent, if it has not changed. */
export function keptBody({ headers }: FastifyRequest, reply: FastifyReply, answer: object): Body | undefined {
  const { body, tag } = write(answer)
  reply.header('etag', tag).header('cache-control', 'private, no-cache')
  if (!isFresh(headers['if-none-match'], tag)) return jsonBody(reply, body)
  // Fastify waits for more after a handler that returns nothing, and writes null as JSON.
  reply.code(304).send()
  return undefined
}

/** The body of what nobody may keep. */
export function passingBody<A extends { data: unknown }>(reply: FastifyReply, answer: A): Body {
  return jsonBody(reply.header('cache-control', 'no-store'), jsonOf(answer))
}

function jsonBody(reply: FastifyReply, body: Body): Body {
  reply.header('x-content-type-options', 'nosniff').header('content-type', 'application/json; charset=utf-8')
  return body
}
