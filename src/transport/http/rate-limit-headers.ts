import type { FastifyReply } from 'fastify'
import type { LimitName, RateLimitStatus } from '../../domain/rate-limiter.ts'

/** Says in the answer's headers what is left of a limit (draft-ietf-httpapi-ratelimit-headers-10). */
export function setRateLimitHeaders(reply: FastifyReply, limit: LimitName, status: RateLimitStatus): void {
  reply
    .header('ratelimit-policy', `"${limit}";q=${status.limit};w=60`)
    .header('ratelimit', `"${limit}";r=${status.remaining};t=${status.resetSeconds}`)
}
