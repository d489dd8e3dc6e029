import { join } from 'node:path'
import { createKeyedMutex } from '../../domain/keyed-mutex.ts'
import type { Layout } from './layout.ts'

/** Runs `work` while no one else, in this or another process, holds the lock of the same name. */
export type WithLock = <T>(name: string, work: (stillHeld: () => void) => Promise<T>) => Promise<T>

/** Locks below `layout.locks`: a queue within the process, a lock file between processes. */
export function fileLocks(layout: Layout): WithLock {
  const mutex = createKeyedMutex()
  return (name, work) => mutex.runExclusive(name, () => hold(join(layout.locks, name), work))
}

/** Loaded with the first write: most starts only read. */
const hold: typeof import('./hold-lock.ts').holdLock = async (path, work) => {
  const { holdLock } = await import('./hold-lock.ts')
  return holdLock(path, work)
}
