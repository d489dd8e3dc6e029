/**
 * Gathers ids and hands them out together.
 *
 * @param quietMs hands out when nothing was added for so long,
 * @param latestMs or when the first one was added so long ago.
 */
export function createDebounce(
  { quietMs, latestMs }: { quietMs: number; latestMs: number },
  flush: (ids: string[]) => unknown,
): { add(...ids: string[]): void; close(): void } {
  const gathered = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let firstAt = 0

  function handOut(): void {
    const ids = [...gathered]
    gathered.clear()
    flush(ids)
  }

  return {
    add(...ids) {
      if (ids.length === 0) return
      if (gathered.size === 0) firstAt = performance.now()
      for (const id of ids) gathered.add(id)
      clearTimeout(timer)
      timer = setTimeout(handOut, Math.max(0, Math.min(quietMs, firstAt + latestMs - performance.now())))
    },
    close: () => clearTimeout(timer),
  }
}
