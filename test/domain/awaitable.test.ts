import { expect, test } from 'vitest'
import { type Awaitable, andThen, isPending, orElse } from '../../src/domain/awaitable.ts'

const twice = (value: number) => value * 2

test('what is there is gone on with at once', () => {
  expect(andThen(2, twice)).toBe(4)
  expect(isPending(2)).toBe(false)
})

test('what is yet to come is gone on with then, failures are passed on', async () => {
  const coming: Awaitable<number> = Promise.resolve(2)
  expect(isPending(coming)).toBe(true)
  expect(await andThen(coming, twice)).toBe(4)
  await expect(andThen(Promise.reject<number>(new Error('gone')), twice)).rejects.toThrow('gone')
})

test('failures are recovered from at once when thrown, then when rejected, and nothing else is touched', async () => {
  const recover = (error: unknown) => `recovered from ${error}`
  const fail = (): string => {
    throw 'a fault'
  }
  expect(orElse(() => 'fine', recover)).toBe('fine')
  expect(orElse(fail, recover)).toBe('recovered from a fault')
  expect(await orElse(async () => 'fine', recover)).toBe('fine')
  expect(await orElse(async () => fail(), recover)).toBe('recovered from a fault')
})
