/** A signal that fires when a time is up. */
export interface Deadline {
  signal: AbortSignal
  /** Milliseconds left; negative when the time is up. */
  remainingMs(): number
  /** Aborts now, with `reason`. Aborting twice keeps the first reason. */
  abort(reason: unknown): void
  /** Stops the clock; to be called when the work has ended. */
  clear(): void
}

/**
 * A deadline of `ms` milliseconds that also ends when `outer` does.
 *
 * Not `AbortSignal.any` with `AbortSignal.timeout`: Node.js 20 may collect combined signals before they fire.
 *
 * @param onTimeout the reason to abort with when the time is up; default a `TimeoutError`.
 * @example
 * const deadline = startDeadline(5_000)
 * try {
 *   return await fetch(url, { signal: deadline.signal })
 * } finally {
 *   deadline.clear()
 * }
 */
export function startDeadline(
  ms: number,
  {
    outer,
    onTimeout = () => new DOMException(`no answer within ${ms} ms`, 'TimeoutError'),
  }: { outer?: AbortSignal | undefined; onTimeout?: () => unknown } = {},
): Deadline {
  const controller = new AbortController()
  const endsAt = performance.now() + ms
  const timer = setTimeout(() => controller.abort(onTimeout()), ms)
  const onOuterAbort = () => controller.abort(outer?.reason)
  outer?.addEventListener('abort', onOuterAbort, { once: true })
  if (outer?.aborted) onOuterAbort()
  return {
    signal: controller.signal,
    remainingMs: () => endsAt - performance.now(),
    abort: (reason) => controller.abort(reason),
    clear() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onOuterAbort)
    },
  }
}
