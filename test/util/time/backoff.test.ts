import { expect, it } from 'vitest'
import { backoffMs } from '../../../src/util/time.ts'

it('doubles from the first wait up to the longest', () => {
  const waits = [1, 2, 3, 4, 10].map((failures) => backoffMs({ firstMs: 100, mostMs: 500 }, failures))
  expect(waits).toEqual([100, 200, 400, 500, 500])
})

it('makes only the given part of a wait random', () => {
  for (let round = 0; round < 100; round++) {
    const wait = backoffMs({ firstMs: 100, mostMs: 500, jitter: 0.5 }, 1)
    expect(wait).toBeGreaterThan(50)
    expect(wait).toBeLessThanOrEqual(100)
  }
})
