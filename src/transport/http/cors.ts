import type { FastifyReply, FastifyRequest } from 'fastify'

/** What scripts of other origins may send and see. Never with cookies: sessions belong to this server's own pages. */
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Protocol-Version',
  'Mcp-Session-Id',
  'X-Api-Key',
].join(', ')
const ANSWER_HEADERS = [
  'ETag',
  'Location',
  'Mcp-Session-Id',
  'Prompts-Stale',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ')
const PREFLIGHT_SECONDS = '600'

/** Lets scripts of `origin`, which is allowed, read the answer (CORS). */
export function allowOrigin(reply: FastifyReply, origin: string): void {
  reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', ANSWER_HEADERS)
}

/** Answers the question that browsers ask before a request of another origin. */
export function answerPreflight({ headers }: FastifyRequest, reply: FastifyReply, allowed: string): void {
  if (headers['access-control-request-method'] === undefined) return
  reply
    .header('access-control-allow-methods', allowed)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', PREFLIGHT_SECONDS)
}
