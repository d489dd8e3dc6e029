/** Runs tasks of the same key one after the other, within this process. Tasks of different keys run at the same time. */
export interface KeyedMutex {
  /**
   * Runs `task` when all earlier tasks of `key` have ended, however they ended.
   *
   * @example await mutex.runExclusive(topic_id, () => publish(topic))
   */
  runExclusive<T>(key: string, task: () => Promise<T>): Promise<T>
}

export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<unknown>>()

  return {
    async runExclusive(key, task) {
      const previous = tails.get(key) ?? Promise.resolve()
      const running = previous.catch(() => {}).then(task)
      tails.set(key, running)
      try {
        return await running
      } finally {
        if (tails.get(key) === running) tails.delete(key)
      }
    },
  }
}
