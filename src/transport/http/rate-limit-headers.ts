import type { FastifyReply } from 'fastify'
import type { Allowance, LimitName } from '../../domain/rate-limiter.ts'

/** Says in the answer's headers what is left of a limit (draft-ietf-httpapi-ratelimit-headers-10). */
export function tellAllowance(reply: FastifyReply, limit: LimitName, allowance: Allowance): void {
  reply
    .header('ratelimit-policy', `"${limit}";q=${allowance.limit};w=60`)
    .header('ratelimit', `"${limit}";r=${allowance.remaining};t=${allowance.resetSeconds}`)
}
