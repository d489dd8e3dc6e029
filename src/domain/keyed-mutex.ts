/** Runs `work` when all earlier works of the same name have ended, however they ended. */
export type InTurn = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** A queue for each name, within this process. */
export function inTurn(): InTurn {
  const tails = new Map<string, Promise<unknown>>()

  return async (name, work) => {
    const previous = tails.get(name) ?? Promise.resolve()
    const turn = previous.catch(() => {}).then(work)
    tails.set(name, turn)
    try {
      return await turn
    } finally {
      if (tails.get(name) === turn) tails.delete(name)
    }
  }
}
