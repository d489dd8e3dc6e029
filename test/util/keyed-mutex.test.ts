import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKeyedMutex } from '../../src/util/keyed-mutex.ts'

/** Work that ends when it is told to, and says when it begins. */
function works() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () => {
    begun.push(name)
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
  }
  return { begun, work, end: (name: string) => ends.get(name)?.() }
}

test('works of one name follow each other in the order in which they came, others do not wait', async () => {
  const { begun, work, end } = works()
  const mutex = createKeyedMutex()
  const first = mutex.runExclusive('a', work('first'))
  const second = mutex.runExclusive('a', work('second'))
  const other = mutex.runExclusive('b', work('other'))
  await setImmediate()
  expect(begun).toEqual(['first', 'other'])
  end('first')
  expect(await first).toBe('first')
  const third = mutex.runExclusive('a', work('third'))
  await setImmediate()
  expect(begun).toEqual(['first', 'other', 'second'])
  end('second')
  await second
  await setImmediate()
  end('third')
  end('other')
  expect(await Promise.all([third, other])).toEqual(['third', 'other'])
})

test('a failure is told to its caller alone', async () => {
  const mutex = createKeyedMutex()
  const failed = mutex.runExclusive('a', () => Promise.reject(new Error('mine')))
  const next = mutex.runExclusive('a', async () => 'done')
  await expect(failed).rejects.toThrow('mine')
  expect(await next).toBe('done')
})
