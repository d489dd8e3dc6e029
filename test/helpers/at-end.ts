import { beforeAll } from 'vitest'

/** Takes what ends something. Vitest's `onTestFinished` is one: it ends the thing after the test. */
export type AtEnd = (end: () => Promise<void>) => void

/**
 * What all tests of a file or group use. It is made before the first of them, so that its members are there when the
 * tests run, and ended after the last: what was begun last ends first.
 */
export function shared<T extends object>(make: (atEnd: AtEnd) => Promise<T>): T {
  const made = {} as T
  beforeAll(async () => {
    const ends: Parameters<AtEnd>[0][] = []
    const endAll = async () => {
      for (const end of ends.splice(0).reverse()) await end()
    }
    try {
      Object.assign(made, await make((end) => ends.push(end)))
    } catch (error) {
      await endAll()
      throw error
    }
    return endAll
  })
  return made
}
