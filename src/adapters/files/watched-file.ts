import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'

/** How long a change by another process may go unnoticed: less than it takes to copy a new key somewhere. */
const RECHECK_MS = 50

const RETRY_SECONDS = 5

/** For commands, which end before an outage matters. */
export const SHORT_LIVED: OutageOptions = { staleIfErrorMs: 0, warn: () => {} }

/** The value in a small file, as last read. */
export interface WatchedFile<T> {
  /** @throws AppError `unavailable` when the file could not be read for too long. */
  current(): T
  /** Reads the file now if it has changed, however recently it was checked. */
  reload(): void
}

/**
 * Keeps the value in a file, and reads it again on use when the file has changed.
 *
 * While its folder is missing or `read` fails, the last value stays valid for a time. A file that is missing from an
 * existing folder has been removed.
 *
 * Not by `staleIfError`: checking a local file takes no time, so nothing waits, and no timer runs between requests. The
 * age of the value says nothing then, and an outage counts from the check that found it.
 *
 * @param initially the value without a file.
 */
export function watchedFile<T>(
  path: string,
  read: () => T,
  initially: T,
  { staleIfErrorMs, warn }: OutageOptions,
): WatchedFile<T> {
  let value = initially
  let signature = ''
  let checkedAt = -Infinity
  let failedSince: number | undefined

  function current(): T {
    const now = performance.now()
    if (now - checkedAt >= RECHECK_MS) check(now)
    if (failedSince === undefined || now - failedSince <= staleIfErrorMs) return value
    throw new AppError('unavailable', 'Credentials cannot be verified now.', { retryAfter: RETRY_SECONDS })
  }

  function check(now: number): void {
    checkedAt = now
    try {
      const newSignature = signatureOf(path)
      if (newSignature !== signature || failedSince !== undefined) {
        value = newSignature === '' ? initially : read()
      }
      signature = newSignature
      if (failedSince !== undefined) warn(`${path} can be read again`)
      failedSince = undefined
    } catch (error) {
      if (failedSince === undefined)
        warn(`cannot read ${path}; what was read last stays valid for now`, error)
      failedSince ??= now
    }
  }

  const reload = () => check(performance.now())

  // Reads it now, so that its value is known even if the source is gone when it is first needed.
  reload()
  return { current, reload }
}

/** Changes with the file; empty if there is none. Throws when its folder is missing, too. */
function signatureOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats) return `${stats.ino}:${stats.mtimeMs}:${stats.size}`
  statSync(dirname(path))
  return ''
}
