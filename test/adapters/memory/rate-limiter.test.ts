import { describe, expect, it } from 'vitest'
import { memoryRateLimiter } from '../../../src/adapters/memory/rate-limiter.ts'
import { LIMITS, rateLimiterContract, setClock } from '../../contracts/rate-limiter.ts'

function limiterAt() {
  const { clock, pass } = setClock()
  return { limiter: memoryRateLimiter(LIMITS, clock), pass }
}

describe('the limiter of one process', () => {
  rateLimiterContract((clock, perMinute = LIMITS) => memoryRateLimiter(perMinute, clock))

  it('says when the allowance is full again, or when another call is allowed', async () => {
    const { limiter } = limiterAt()
    for (let left = 9; left >= 0; left--) {
      const allowance = await limiter.consume('a', 'batch', 1)
      expect(allowance).toEqual({ allowed: true, limit: 10, remaining: left, resetSeconds: (10 - left) * 6 })
    }
    expect(await limiter.consume('a', 'batch', 1)).toEqual({
      allowed: false,
      limit: 10,
      remaining: 0,
      resetSeconds: 6,
    })
  })

  it('gives calls back evenly over the minute, up to the limit', async () => {
    const { limiter, pass } = limiterAt()
    await limiter.consume('a', 'batch', 10)
    pass(3)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({
      allowed: false,
      remaining: 0,
      resetSeconds: 3,
    })
    pass(3)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 0 })
    pass(30)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 4 })
    pass(3600)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({
      allowed: true,
      remaining: 9,
      resetSeconds: 6,
    })
  })

  it('does not put off the next call because of refused ones', async () => {
    const { limiter, pass } = limiterAt()
    await limiter.consume('a', 'batch', 10)
    for (let attempt = 0; attempt < 50; attempt++) {
      pass(0.1)
      expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false })
    }
    pass(1)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: true })
  })

  it('lets through who waits for the announced seconds, however many calls it takes', async () => {
    for (const cost of [2, 3, 6]) {
      const { limiter, pass } = limiterAt()
      await limiter.consume('a', 'analysis', 5)
      const refused = await limiter.consume('a', 'analysis', cost)
      pass(refused.resetSeconds)
      expect(await limiter.consume('a', 'analysis', cost)).toMatchObject({ allowed: true })
    }
  })

  it('says how long several calls take to come back', async () => {
    const { limiter } = limiterAt()
    expect(await limiter.consume('a', 'batch', 7)).toMatchObject({ allowed: true, resetSeconds: 42 })
    expect(await limiter.consume('a', 'batch', 4)).toMatchObject({ allowed: false, resetSeconds: 6 })
    expect(await limiter.consume('a', 'batch', 3)).toMatchObject({ allowed: true, resetSeconds: 60 })
  })

  it('takes no calls away when the clock is set back', async () => {
    const { limiter, pass } = limiterAt()
    await limiter.consume('a', 'batch', 5)
    pass(-3600)
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 4 })
  })

  it('remembers ten thousand callers, and of more the ones that called last', async () => {
    const { limiter } = limiterAt()
    await limiter.consume('first', 'batch', 10)
    await limiter.consume('busy', 'batch', 10)
    for (let caller = 0; caller < 9_998; caller++) await limiter.consume(`c${caller}`, 'batch', 1)
    expect(await limiter.consume('busy', 'batch', 1)).toMatchObject({ allowed: false })
    expect(await limiter.consume('first', 'batch', 1)).toMatchObject({ allowed: false })
    await limiter.consume('busy', 'batch', 1)
    for (let caller = 0; caller < 9_999; caller++) await limiter.consume(`d${caller}`, 'batch', 1)
    // The most quiet one is forgotten, and starts anew.
    expect(await limiter.consume('busy', 'batch', 1)).toMatchObject({ allowed: false })
    expect(await limiter.consume('first', 'batch', 1)).toMatchObject({ allowed: true, remaining: 9 })
  })
})
