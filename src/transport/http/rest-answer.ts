import type { FastifyReply, FastifyRequest } from 'fastify'
import { entityTag, isFresh } from './conditions.ts'

interface Written {
  bytes: Buffer
  tag: string
}

/** Answers as they were written, for operations that give the same object again. */
const known = new WeakMap<object, Written>()

function write(answer: object): Written {
  let written = known.get(answer)
  if (!written) {
    const bytes = Buffer.from(JSON.stringify(answer))
    written = { bytes, tag: entityTag(bytes) }
    known.set(answer, written)
  }
  return written
}

/** Sends what a caller may keep and ask about again: with a strong ETag, or just 304 if it has not changed. */
export function sendTagged({ headers }: FastifyRequest, reply: FastifyReply, answer: object): FastifyReply {
  const { bytes, tag } = write(answer)
  reply.header('etag', tag).header('cache-control', 'private, no-cache')
  return isFresh(headers['if-none-match'], tag) ? reply.code(304).send() : sendJson(reply, bytes)
}

/** Sends what nobody may keep. */
export function sendOnce(reply: FastifyReply, answer: object): FastifyReply {
  return sendJson(reply.header('cache-control', 'no-store'), JSON.stringify(answer))
}

function sendJson(reply: FastifyReply, json: string | Buffer): FastifyReply {
  return reply.header('x-content-type-options', 'nosniff').type('application/json; charset=utf-8').send(json)
}
