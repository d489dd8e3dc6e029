import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import { AppError } from '../../domain/errors.ts'
import type { Layout } from './layout.ts'

/** A lock that was not refreshed for so long belongs to a dead process. The library's smallest value. */
const STALE_MS = 2_000
const WAIT = { retries: 400, minTimeout: 5, maxTimeout: 40, factor: 1.3, randomize: true }

/** Runs `work` while no one else, in this or another process, holds the lock of the same name. */
export type WithLock = <T>(name: string, work: (stillHeld: () => void) => Promise<T>) => Promise<T>

/** Locks below `layout.locks`: a queue within the process, a lock file between processes. */
export function fileLocks(layout: Layout): WithLock {
  const tails = new Map<string, Promise<unknown>>()

  return async (name, work) => {
    const previous = tails.get(name) ?? Promise.resolve()
    const turn = previous.catch(() => {}).then(() => holdLock(join(layout.locks, name), work))
    tails.set(name, turn)
    try {
      return await turn
    } finally {
      if (tails.get(name) === turn) tails.delete(name)
    }
  }
}

async function holdLock<T>(path: string, work: (stillHeld: () => void) => Promise<T>): Promise<T> {
  let lost = false
  const onCompromised = () => {
    lost = true
  }
  const options = { realpath: false, lockfilePath: `${path}.lock`, stale: STALE_MS, update: STALE_MS / 2 }
  const release = await lock(path, { ...options, retries: WAIT, onCompromised }).catch((error) => {
    if (error.code !== 'ELOCKED') throw error
    throw new AppError('unavailable', 'Another process keeps this topic locked; try again.', {
      retryAfter: 1,
      cause: error,
    })
  })
  try {
    return await work(() => {
      if (lost)
        throw new AppError('unavailable', 'The process was halted for too long; try again.', {
          retryAfter: 1,
        })
    })
  } finally {
    // Failing to release is no failure of the work: a lost lock is somebody else's, and an old one goes stale.
    await release().catch(() => {})
  }
}
