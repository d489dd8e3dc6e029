/**
 * Opens something with the first call. After a failure the next call tries again.
 *
 * @example
 * const store = lazily(() => openStore())
 * await (await store()).read(id)
 */
export function lazily<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
}
