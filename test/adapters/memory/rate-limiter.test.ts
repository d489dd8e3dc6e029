import { describe, expect, it } from 'vitest'
import { windowRateLimiter } from '../../../src/adapters/memory/rate-limiter.ts'
import { LIMITS, rateLimiterContract, setClock } from '../../contracts/rate-limiter.ts'

function limiterAt() {
  const { clock, pass } = setClock()
  return { limiter: windowRateLimiter({ perMinute: LIMITS, clock }), pass }
}

describe('the limiter of one process', () => {
  rateLimiterContract((clock, perMinute = LIMITS) => windowRateLimiter({ perMinute, clock }))

  it('remembers ten thousand callers, and of more the ones that called last', async () => {
    const { limiter } = limiterAt()
    await limiter.consume('first', 'batch', 10)
    await limiter.consume('busy', 'batch', 10)
    for (let caller = 0; caller < 9_998; caller++) await limiter.consume(`c${caller}`, 'batch', 1)
    expect(await limiter.consume('busy', 'batch', 1)).toMatchObject({ allowed: false })
    expect(await limiter.consume('first', 'batch', 1)).toMatchObject({ allowed: false })
    await limiter.consume('busy', 'batch', 1)
    for (let caller = 0; caller < 9_999; caller++) await limiter.consume(`d${caller}`, 'batch', 1)
    // The least active one is forgotten, and starts over.
    expect(await limiter.consume('busy', 'batch', 1)).toMatchObject({ allowed: false })
    expect(await limiter.consume('first', 'batch', 1)).toMatchObject({ allowed: true, remaining: 9 })
  })

  it('forgets no caller for a flood of addresses', async () => {
    const { limiter } = limiterAt()
    await limiter.consume('a', 'batch', 10)
    for (let address = 0; address < 20_000; address++) {
      await limiter.consume(`address:${address}`, 'auth_failures', 1)
    }
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false })
  })

  it('has nothing to do when it is closed', async () => {
    const { limiter } = limiterAt()
    await limiter.consume('a', 'batch', 10)
    await limiter.close()
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false })
  })
})
