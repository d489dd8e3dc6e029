import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { createKeyedMutex } from '../../util/keyed-mutex.ts'
import type { Layout } from './layout.ts'

/** A lock that was not refreshed for so long belongs to a dead process. The smallest value of proper-lockfile. */
const STALE_MS = 2_000
/** A process whose timers stood still for so long may have lost its lock. */
const MAX_GAP_MS = 1_500
const WAIT = { retries: 400, minTimeout: 5, maxTimeout: 40, factor: 1.3, randomize: true }

/** Of work that loses its lock and may be run again, as in a start that reads thousands of files meanwhile. */
const ATTEMPTS = 3

/**
 * Runs `work` while nothing else, in this or another process, holds the lock of the same name. `stillHeld` throws AppError
 * `unavailable` if the lock was lost meanwhile. It is called before each change, so that work to which it has not yet
 * returned has changed nothing: that work is run again.
 *
 * @param options.isRepeatable work that begins with what it may have left half done: it is run again in any case.
 * @example await withLock('keys', async (stillHeld) => { … stillHeld(); await write() })
 */
export type WithLock = <T>(
  name: string,
  work: (stillHeld: () => void) => Promise<T>,
  options?: LockOptions,
) => Promise<T>

interface LockOptions {
  isRepeatable?: boolean
}

/** Locks below `layout.locks`: a queue within the process, a lock file between processes. */
export function fileLocks(layout: Layout): WithLock {
  const mutex = createKeyedMutex()
  return (name, work, options) =>
    mutex.runExclusive(name, () => holdLock(join(layout.locks, name), work, options))
}

/** {@link WithLock}, by the lock file at `path`. */
export async function holdLock<T>(
  path: string,
  work: (stillHeld: () => void) => Promise<T>,
  { isRepeatable = false }: LockOptions = {},
  attempts = ATTEMPTS,
): Promise<T> {
  // Loaded with the first write: most starts only read. A bundled CommonJS module has no named exports.
  const { lock } = (await import('proper-lockfile')).default
  // Otherwise a folder that is gone would be waited for as for another process.
  statSync(dirname(path))
  let lost = false
  let mayHaveChanged = false
  const onCompromised = () => {
    lost = true
  }
  const options = { realpath: false, lockfilePath: `${path}.lock`, stale: STALE_MS, update: STALE_MS / 2 }
  const release = await lock(path, { ...options, retries: WAIT, onCompromised }).catch((error) => {
    if (error.code !== 'ELOCKED') throw error
    throw new AppError('unavailable', 'Another process is writing for too long; try again.', {
      retryAfter: 1,
      cause: error,
    })
  })
  // A process that was suspended learns late that its lock went stale; a gap between two timers shows it.
  let awakeAt = performance.now()
  const noticeGap = () => {
    const now = performance.now()
    if (now - awakeAt > MAX_GAP_MS) lost = true
    awakeAt = now
  }
  const pulse = setInterval(noticeGap, MAX_GAP_MS / 6)
  try {
    return await work(() => {
      noticeGap()
      if (lost)
        throw new AppError('unavailable', 'The process was halted for too long; try again.', {
          retryAfter: 1,
        })
      mayHaveChanged = !isRepeatable
    })
  } catch (error) {
    if (!lost || mayHaveChanged || attempts === 1) throw error
  } finally {
    clearInterval(pulse)
    // A failure to release does not fail the work: a lost lock belongs to another process, and an old one goes stale.
    await release().catch(() => {})
  }
  return holdLock(path, work, { isRepeatable }, attempts - 1)
}
