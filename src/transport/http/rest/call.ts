import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CallContext, Operation } from '../../../pipeline/operation.ts'
import { setRateLimitHeaders } from '../rate-limit-headers.ts'

/** The facts of a request for the pipeline, which from here on answers for its audit line. */
export function callOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { limit }: Pick<Operation, 'limit'>,
  path: Readonly<Record<string, string>>,
): CallContext {
  request.isAudited = true
  return {
    caller: request.caller,
    requestId: request.id,
    path,
    onRateLimit: (allowance) => setRateLimitHeaders(reply, limit, allowance),
  }
}
