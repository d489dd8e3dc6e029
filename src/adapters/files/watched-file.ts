import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../../domain/errors.ts'

/** How long a change by another process may go unnoticed: less than it takes to copy a new key somewhere. */
const RECHECK_MS = 50

const RETRY_SECONDS = 5

/** What to do when a file cannot be read. */
export interface Outages {
  /** How long the known value stays. */
  staleIfErrorMs: number
  /** Told once for each outage. */
  warn: (message: string, cause?: unknown) => void
}

/** For commands, which end before an outage matters. */
export const SHORT: Outages = { staleIfErrorMs: 0, warn: () => {} }

/** What a small file holds, as it was last seen. */
export interface WatchedFile<T> {
  /** @throws AppError `unavailable` when it could not be read for too long. */
  current(): T
  /** Looks at the file now, however recently it was looked at. */
  lookAgain(): void
}

/**
 * Reads a file again when it has changed.
 *
 * While its folder is gone or `read` fails, the known value stays for a time: what is known outlives an outage of its
 * source (spec §5). A file that is gone from a folder that is there has been removed.
 */
export function watchedFile<T>(
  path: string,
  read: () => T,
  initially: T,
  { staleIfErrorMs, warn }: Outages,
): WatchedFile<T> {
  let known = initially
  let signature = ''
  let checkedAt = -Infinity
  let failedSince: number | undefined

  function current(): T {
    const now = performance.now()
    if (now - checkedAt >= RECHECK_MS) look(now)
    if (failedSince === undefined || now - failedSince <= staleIfErrorMs) return known
    throw new AppError('unavailable', 'Credentials cannot be verified now.', { retryAfter: RETRY_SECONDS })
  }

  function look(now: number): void {
    checkedAt = now
    try {
      const found = signatureOf(path)
      if (found !== signature || failedSince !== undefined) known = found === '' ? initially : read()
      signature = found
      failedSince = undefined
    } catch (error) {
      if (failedSince === undefined) warn(`cannot read ${path}; what is known of it holds for now`, error)
      failedSince ??= now
    }
  }

  const lookAgain = () => look(performance.now())

  // What is there now must be known even if its source is gone when it is first needed.
  lookAgain()
  return { current, lookAgain }
}

/** Changes with the file; empty if there is none. Throws when its folder is gone, too. */
function signatureOf(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (facts) return `${facts.ino}:${facts.mtimeMs}:${facts.size}`
  statSync(dirname(path))
  return ''
}
