import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTurn } from '../../src/domain/keyed-mutex.ts'

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
  const queued = inTurn()
  const first = queued('a', work('first'))
  const second = queued('a', work('second'))
  const other = queued('b', work('other'))
  await setImmediate()
  expect(begun).toEqual(['first', 'other'])
  end('first')
  expect(await first).toBe('first')
  const third = queued('a', work('third'))
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
  const queued = inTurn()
  const failed = queued('a', () => Promise.reject(new Error('mine')))
  const next = queued('a', async () => 'done')
  await expect(failed).rejects.toThrow('mine')
  expect(await next).toBe('done')
})
