import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLasting } from '../../../operations/served.ts'
import { entityTag, isFresh } from './conditions.ts'

interface Written {
  bytes: Buffer
  tag: string
}

/** What was written of objects that are answered again. */
const known = new WeakMap<object, Written>()

function write(value: object): Written {
  const before = known.get(value)
  if (before) return before
  const bytes = Buffer.from(JSON.stringify(value))
  const written = { bytes, tag: entityTag(bytes) }
  if (isLasting(value)) known.set(value, written)
  return written
}

/** The JSON of an answer; what its data holds of lasting parts, as in a batch, is not written again. */
function jsonOf({ data, ...rest }: { data: unknown }): Buffer | string {
  const members = Object.entries(data as object)
  if (members.length === 0 || !members.every(([, part]) => isLasting(part))) {
    return JSON.stringify({ data, ...rest })
  }
  const pieces = members.flatMap(([name, part], index) => [
    Buffer.from(`${index === 0 ? '{"data":{' : ','}${JSON.stringify(name)}:`),
    write(part).bytes,
  ])
  const end = JSON.stringify(rest)
  return Buffer.concat([...pieces, Buffer.from(end === '{}' ? '}}' : `},${end.slice(1)}`)])
}

/** The body of what a caller may keep and ask about again, with a strong ETag; none, and 304, if it has not changed. */
export function keptBody(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  answer: object,
): Buffer | undefined {
  const { bytes, tag } = write(answer)
  reply.header('etag', tag).header('cache-control', 'private, no-cache')
  if (!isFresh(headers['if-none-match'], tag)) return jsonBody(reply, bytes)
  reply.code(304)
  return undefined
}

/** The body of what nobody may keep. */
export function passingBody<A extends { data: unknown }>(reply: FastifyReply, answer: A): Buffer | string {
  return jsonBody(reply.header('cache-control', 'no-store'), jsonOf(answer))
}

function jsonBody<Body>(reply: FastifyReply, body: Body): Body {
  reply.header('x-content-type-options', 'nosniff').type('application/json; charset=utf-8')
  return body
}
