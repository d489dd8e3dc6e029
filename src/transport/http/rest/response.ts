import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CachePolicy } from '../../../pipeline/operation.ts'
import { type Result, responseBytes } from '../../../pipeline/result.ts'

/** A strong entity tag: equal bytes, equal tag (RFC 9110, section 8.8.3). */
export function entityTag(content: string | Buffer): string {
  return `"${hash('sha256', content, 'base64url').slice(0, 22)}"`
}

/** Whether the caller holds this answer already (`If-None-Match`, RFC 9110, section 13.1.2: weak comparison). */
export function isFresh(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((one) => ['*', tag, `W/${tag}`].includes(one.trim()))
}

/** Sends a result as JSON, with the headers of its cache policy; 304 if the caller holds it already. */
export function sendResult(
  request: FastifyRequest,
  reply: FastifyReply,
  result: Result<unknown>,
  cache: CachePolicy,
): FastifyReply {
  const json = responseBytes(result)
  if (cache === 'content') {
    const tag = result.cached?.etag ?? entityTag(json)
    if (result.cached) result.cached.etag = tag
    return sendTagged(request, reply, json, tag)
  }
  const revision = result.meta?.revision
  if (cache === 'revision' && revision !== undefined) reply.header('etag', `"${revision}"`)
  return sendJson(reply.header('cache-control', 'no-store'), json)
}

/** Sends JSON that a caller may keep and ask about again; 304 if it has not changed. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  json: Buffer,
  tag = entityTag(json),
) {
  reply.header('etag', tag).header('cache-control', 'private, no-cache')
  return isFresh(request.headers['if-none-match'], tag) ? reply.code(304).send() : sendJson(reply, json)
}

/** Sends JSON; as bytes, because Node writes a long text of wide characters several times slower. */
export function sendJson(reply: FastifyReply, json: Buffer): FastifyReply {
  return reply
    .header('x-content-type-options', 'nosniff')
    .header('content-type', 'application/json; charset=utf-8')
    .send(json)
}
