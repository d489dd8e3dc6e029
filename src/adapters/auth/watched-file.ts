import { statSync } from 'node:fs'

/** How long a change by another process may go unnoticed: less than it takes to copy a new key somewhere. */
const RECHECK_MS = 50

/** What a small file holds, as it was last seen. */
export interface WatchedFile<T> {
  current(): T
  /** Looks at the file now, however recently it was looked at. */
  lookAgain(): void
}

/**
 * Reads a file again when it has changed.
 *
 * Its absence and failures of `read` leave the known value: what is known outlives an outage of its source (spec §5).
 */
export function watchedFile<T>(path: string, read: () => T, initially: T): WatchedFile<T> {
  let known = initially
  let signature = ''
  let checkedAt = -Infinity

  function current(): T {
    const now = performance.now()
    if (now - checkedAt < RECHECK_MS) return known
    checkedAt = now
    try {
      const facts = statSync(path, { throwIfNoEntry: false })
      const found = facts ? `${facts.ino}:${facts.mtimeMs}:${facts.size}` : signature
      if (found !== signature) known = read()
      signature = found
    } catch {
      // Commands that read the file themselves, such as `keys list`, say what is wrong with it.
    }
    return known
  }

  function lookAgain(): void {
    checkedAt = -Infinity
    current()
  }

  // What is there now must be known even if its source is gone when it is first needed.
  lookAgain()
  return { current, lookAgain }
}
