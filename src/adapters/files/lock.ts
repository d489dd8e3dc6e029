import { join } from 'node:path'
import type { Layout } from './layout.ts'

/** Runs `work` while no one else, in this or another process, holds the lock of the same name. */
export type WithLock = <T>(name: string, work: (stillHeld: () => void) => Promise<T>) => Promise<T>

/** Locks below `layout.locks`: a queue within the process, a lock file between processes. */
export function fileLocks(layout: Layout): WithLock {
  const tails = new Map<string, Promise<unknown>>()

  return async (name, work) => {
    const previous = tails.get(name) ?? Promise.resolve()
    const turn = previous.catch(() => {}).then(() => hold(join(layout.locks, name), work))
    tails.set(name, turn)
    try {
      return await turn
    } finally {
      if (tails.get(name) === turn) tails.delete(name)
    }
  }
}

/** Loaded with the first write: most starts only read. */
const hold: typeof import('./hold-lock.ts').holdLock = async (path, work) => {
  const { holdLock } = await import('./hold-lock.ts')
  return holdLock(path, work)
}
