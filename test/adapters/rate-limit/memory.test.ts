import { expect, test } from 'vitest'
import { memoryRateLimiter } from '../../../src/adapters/rate-limit/memory.ts'

const LIMITS = { retrieval: 60, batch: 10, analysis: 6, admin: 300, auth_failures: 10 }

/** A limiter by a clock that tests move on. */
function limiterAt(limits = LIMITS) {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const limiter = memoryRateLimiter(limits, () => new Date(now))
  const pass = (seconds: number) => {
    now += seconds * 1000
  }
  return { limiter, pass }
}

test("a quiet caller may spend a minute's calls at once, and not one more", async () => {
  const { limiter } = limiterAt()
  for (let left = 9; left >= 0; left--) {
    const allowance = await limiter.take('a', 'batch', 1)
    expect(allowance).toEqual({ allowed: true, limit: 10, remaining: left, resetSeconds: (10 - left) * 6 })
  }
  expect(await limiter.take('a', 'batch', 1)).toEqual({
    allowed: false,
    limit: 10,
    remaining: 0,
    resetSeconds: 6,
  })
})

test('calls come back evenly over the minute, up to the limit', async () => {
  const { limiter, pass } = limiterAt()
  await limiter.take('a', 'batch', 10)
  pass(3)
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 3 })
  pass(3)
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 0 })
  pass(30)
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 4 })
  pass(3600)
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 9, resetSeconds: 6 })
})

test('refused calls cost nothing and do not put off the next one', async () => {
  const { limiter, pass } = limiterAt()
  await limiter.take('a', 'batch', 10)
  for (let attempt = 0; attempt < 50; attempt++) {
    pass(0.1)
    expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: false })
  }
  pass(1)
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: true })
})

test('whoever waits for the announced seconds is let through', async () => {
  for (const cost of [1, 2, 3, 6]) {
    const { limiter, pass } = limiterAt()
    await limiter.take('a', 'analysis', 5)
    const refused = await limiter.take('a', 'analysis', cost === 1 ? 2 : cost)
    pass(refused.resetSeconds)
    expect(await limiter.take('a', 'analysis', cost === 1 ? 2 : cost)).toMatchObject({ allowed: true })
  }
})

test('several calls are taken all or none', async () => {
  const { limiter } = limiterAt()
  expect(await limiter.take('a', 'batch', 7)).toMatchObject({ allowed: true, remaining: 3, resetSeconds: 42 })
  expect(await limiter.take('a', 'batch', 4)).toMatchObject({ allowed: false, remaining: 3, resetSeconds: 6 })
  expect(await limiter.take('a', 'batch', 3)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 60 })
})

test('more calls than a minute holds are never allowed, and take nothing', async () => {
  const { limiter, pass } = limiterAt()
  expect(await limiter.take('a', 'batch', 11)).toMatchObject({ allowed: false, limit: 10, remaining: 10 })
  pass(3600)
  expect(await limiter.take('a', 'batch', 11)).toMatchObject({ allowed: false, remaining: 10 })
  expect(await limiter.take('a', 'batch', 10)).toMatchObject({ allowed: true })
})

test('callers and limits do not touch each other', async () => {
  const { limiter } = limiterAt()
  await limiter.take('a', 'batch', 10)
  expect(await limiter.take('b', 'batch', 1)).toMatchObject({ allowed: true, remaining: 9 })
  expect(await limiter.take('a', 'admin', 1)).toMatchObject({ allowed: true, limit: 300, remaining: 299 })
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: false })
})

test('a clock that is set back takes no calls away', async () => {
  const { limiter, pass } = limiterAt()
  await limiter.take('a', 'batch', 5)
  pass(-3600)
  expect(await limiter.take('a', 'batch', 1)).toMatchObject({ allowed: true, remaining: 4 })
})

test('remembers ten thousand callers, and of more the ones that called last', async () => {
  const { limiter } = limiterAt()
  await limiter.take('first', 'batch', 10)
  await limiter.take('busy', 'batch', 10)
  for (let caller = 0; caller < 9_998; caller++) await limiter.take(`c${caller}`, 'batch', 1)
  expect(await limiter.take('busy', 'batch', 1)).toMatchObject({ allowed: false })
  expect(await limiter.take('first', 'batch', 1)).toMatchObject({ allowed: false })
  await limiter.take('busy', 'batch', 1)
  for (let caller = 0; caller < 9_999; caller++) await limiter.take(`d${caller}`, 'batch', 1)
  // The most quiet one is forgotten, and starts anew.
  expect(await limiter.take('busy', 'batch', 1)).toMatchObject({ allowed: false })
  expect(await limiter.take('first', 'batch', 1)).toMatchObject({ allowed: true, remaining: 9 })
})
