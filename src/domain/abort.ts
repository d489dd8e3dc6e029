/**
 * Waits for `work`, but not longer than until `signal` fires.
 *
 * What ignores the signal goes on unobserved: neither its result nor its error reaches anyone.
 *
 * @throws the signal's reason, at once; what `work` rejects with.
 * @example await raceAbort(client.send(command), signal) // also while the client looks for credentials
 */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Waits, for tests with fake timers too, which do not see those of `node:timers/promises`.
 *
 * @throws the signal's reason as soon as it fires.
 */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await raceAbort(timeout, signal)
  } finally {
    clearTimeout(timer)
  }
}
