import type { FastifyReply } from 'fastify'
import type { LimitName, RateLimitStatus } from '../../domain/rate-limiter.ts'

/** Says in the answer's headers what is left of a limit (draft-ietf-httpapi-ratelimit-headers-10). */
export function setRateLimitHeaders(reply: FastifyReply, limit: LimitName, allowance: RateLimitStatus): void {
  reply
    .header('ratelimit-policy', `"${limit}";q=${allowance.limit};w=60`)
    .header('ratelimit', `"${limit}";r=${allowance.remaining};t=${allowance.resetSeconds}`)
}
