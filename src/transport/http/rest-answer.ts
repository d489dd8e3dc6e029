import type { FastifyReply, FastifyRequest } from 'fastify'
import { entityTag, isFresh } from './conditions.ts'

/** Sends what a caller may keep and ask about again: with a strong ETag, or just 304 if it has not changed. */
export function sendTagged({ headers }: FastifyRequest, reply: FastifyReply, answer: object): FastifyReply {
  const text = JSON.stringify(answer)
  const tag = entityTag(text)
  reply.header('etag', tag).header('cache-control', 'private, no-cache')
  return isFresh(headers['if-none-match'], tag) ? reply.code(304).send() : sendText(reply, text)
}

/** Sends what nobody may keep. */
export function sendOnce(reply: FastifyReply, answer: object): FastifyReply {
  return sendText(reply.header('cache-control', 'no-store'), JSON.stringify(answer))
}

function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('x-content-type-options', 'nosniff').type('application/json; charset=utf-8').send(text)
}
