import { expect, it } from 'vitest'
import type { LimitName, RateLimiter } from '../../src/domain/rate-limiter.ts'
import type { Clock } from '../../src/util/time.ts'

export const LIMITS = { retrieval: 60, batch: 10, analysis: 6, admin: 300, auth_failures: 10 }

export type OpenLimiter = (
  clock: Clock,
  perMinute?: Record<LimitName, number>,
) => RateLimiter | Promise<RateLimiter>

/** A clock that tests move on. It starts with a minute. */
export function setClock() {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const pass = (seconds: number) => {
    now += seconds * 1000
  }
  return { clock: () => new Date(now), pass }
}

/** What the limiter promises to the callers of one process, whatever it shares. `open` returns one without counts. */
export function rateLimiterContract(open: OpenLimiter): void {
  async function opened() {
    const { clock, pass } = setClock()
    return { limiter: await open(clock, LIMITS), pass }
  }

  for (const limit of ['batch', 'auth_failures'] as const) {
    it(`lets a quiet caller spend a minute of ${limit} at once, and not one more`, async () => {
      const { limiter } = await opened()
      for (let left = 9; left >= 0; left--) {
        const allowance = await limiter.consume('a', limit, 1)
        expect(allowance).toMatchObject({ allowed: true, limit: 10, remaining: left })
      }
      for (let more = 0; more < 3; more++) {
        expect(await limiter.consume('a', limit, 1)).toMatchObject({
          allowed: false,
          limit: 10,
          remaining: 0,
        })
      }
    })

    it(`takes several calls of ${limit} all or none`, async () => {
      const { limiter } = await opened()
      expect(await limiter.consume('a', limit, 7)).toMatchObject({ allowed: true, remaining: 3 })
      expect(await limiter.consume('a', limit, 4)).toMatchObject({ allowed: false, remaining: 3 })
      expect(await limiter.consume('a', limit, 3)).toMatchObject({ allowed: true, remaining: 0 })
    })

    it(`never allows more ${limit} at once than a minute holds, and takes nothing for it`, async () => {
      const { limiter, pass } = await opened()
      expect(await limiter.consume('a', limit, 11)).toMatchObject({
        allowed: false,
        limit: 10,
        remaining: 10,
      })
      pass(3600)
      expect(await limiter.consume('a', limit, 11)).toMatchObject({ allowed: false, remaining: 10 })
      expect(await limiter.consume('a', limit, 10)).toMatchObject({ allowed: true, remaining: 0 })
    })

    it(`lets through who waits for the announced seconds of ${limit}`, async () => {
      for (const cost of [1, 3, 10]) {
        const { limiter, pass } = await opened()
        pass(12.345)
        await limiter.consume('a', limit, 10)
        pass(0.4)
        const { allowed, resetSeconds } = await limiter.consume('a', limit, cost)
        expect(allowed).toBe(false)
        expect(Number.isInteger(resetSeconds) && resetSeconds >= 1 && resetSeconds <= 60).toBe(true)
        pass(resetSeconds)
        expect(await limiter.consume('a', limit, cost)).toMatchObject({ allowed: true })
      }
    })
  }

  it.each(['batch', 'auth_failures'] as const)('says of %s when the minute ends', async (limit) => {
    const { limiter, pass } = await opened()
    pass(12.345)
    const status = { limit: 10, resetSeconds: 48 }
    expect(await limiter.consume('a', limit, 1)).toEqual({ ...status, allowed: true, remaining: 9 })
    expect(await limiter.consume('a', limit, 9)).toEqual({ ...status, allowed: true, remaining: 0 })
    expect(await limiter.consume('a', limit, 1)).toEqual({ ...status, allowed: false, remaining: 0 })
    pass(47)
    const refused = { limit: 10, allowed: false, remaining: 0, resetSeconds: 1 }
    expect(await limiter.consume('a', limit, 1)).toEqual(refused)
    pass(1)
    expect(await limiter.consume('a', limit, 1)).toMatchObject({ allowed: true, remaining: 9 })
  })

  it('gives nothing back before the minute ends, and everything then', async () => {
    const { limiter, pass } = await opened()
    await limiter.consume('a', 'batch', 10)
    pass(59.999)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false, remaining: 0 })
    pass(0.001)
    expect(await limiter.consume('a', 'batch', 10)).toMatchObject({
      allowed: true,
      remaining: 0,
      resetSeconds: 60,
    })
  })

  it('takes no calls away when the clock is set back', async () => {
    const { limiter, pass } = await opened()
    await limiter.consume('a', 'batch', 5)
    pass(-3600)
    expect(await limiter.consume('a', 'batch', 5)).toMatchObject({ allowed: true })
  })

  it('counts nothing for what it refuses', async () => {
    const { limiter, pass } = await opened()
    await limiter.consume('a', 'batch', 10)
    for (let attempt = 0; attempt < 50; attempt++) {
      pass(0.1)
      expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false })
    }
    pass(55)
    expect(await limiter.consume('a', 'batch', 10)).toMatchObject({ allowed: true })
  })

  it('allows everything again after a quiet minute, and no more than that', async () => {
    const { limiter, pass } = await opened()
    await limiter.consume('a', 'batch', 10)
    pass(3600)
    expect(await limiter.consume('a', 'batch', 10)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false })
  })

  it('keeps callers and limits apart', async () => {
    const { limiter } = await opened()
    await limiter.consume('a', 'batch', 10)
    expect(await limiter.consume('b', 'batch', 1)).toMatchObject({ allowed: true, remaining: 9 })
    expect(await limiter.consume('a', 'admin', 1)).toMatchObject({
      allowed: true,
      limit: 300,
      remaining: 299,
    })
    expect(await limiter.consume('a', 'auth_failures', 1)).toMatchObject({ allowed: true, remaining: 9 })
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false })
  })

  it('takes any text as a key', async () => {
    const { limiter } = await opened()
    const long = 'x'.repeat(20_000)
    for (const key of ['', ' ', 'a 1', 'token:https://issuer:é\u{1f600}', '::/64', long, `${long}y`]) {
      for (const limit of ['batch', 'auth_failures'] as const) {
        expect(await limiter.consume(key, limit, 10)).toMatchObject({ allowed: true })
        expect(await limiter.consume(key, limit, 1)).toMatchObject({ allowed: false })
      }
    }
  })

  it('does not lose count when calls come at the same time', async () => {
    const { limiter } = await opened()
    for (const limit of ['batch', 'auth_failures'] as const) {
      const all = await Promise.all(Array.from({ length: 30 }, () => limiter.consume('a', limit, 1)))
      expect(all.filter(({ allowed }) => allowed)).toHaveLength(10)
    }
  })
}
