import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../../../domain/errors.ts'
import type { RateLimiter } from '../../../domain/rate-limiter.ts'

/** Where a request comes from. Behind a proxy the address is a header's text, and may be anything. */
export function addressOf({ ip }: FastifyRequest): string {
  return isIP(ip) === 0 ? 'unknown' : ip
}

/**
 * Counts a failed attempt to authenticate against its address.
 *
 * @returns what to answer: `refusal`, or `rate_limited` when the address has failed too often.
 */
export async function failedAttempt(
  limiter: RateLimiter,
  request: FastifyRequest,
  refusal: AppError,
): Promise<AppError> {
  const key = `address:${networkOf(addressOf(request))}`
  const { allowed, resetSeconds } = await limiter.consume(key, 'auth_failures', 1)
  if (allowed) return refusal
  const message = `Too many failed attempts from this address. ${refusal.message}`
  return new AppError('rate_limited', message, { retryAfter: Math.max(1, resetSeconds) })
}

/** The part of an address that one party cannot change at will: in IPv6 everyone has 2⁶⁴ addresses. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  // The standard form of a URL knows just one way to write each address, and none with dots.
  const [head = '', tail = ''] = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname
    .slice(1, -1)
    .split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === '' ? [] : tail.split(':')
  const groups = [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last]
  const [high, low] = groups.slice(6).map((group) => Number.parseInt(group, 16)) as [number, number]
  // An IPv4-mapped IPv6 address.
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff')
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return `${groups.slice(0, 4).join(':')}::/64`
}
