/**
 * A value that is there already, or a promise of it. What a request needs is nearly always in memory, and to make and
 * await a promise for it takes longer than to get it.
 */
export type Awaitable<T> = T | Promise<T>

/** Whether a value is yet to come. */
export function isPending<T>(value: Awaitable<T>): value is Promise<T> {
  return value instanceof Promise
}

/** What `next` makes of a value: at once if that is there. */
export function andThen<T, Next>(value: Awaitable<T>, next: (value: T) => Awaitable<Next>): Awaitable<Next> {
  return isPending(value) ? value.then(next) : next(value)
}

/** What `work` comes to, or else what `recover` makes of its failure, whether thrown or rejected. */
export function orElse<T>(work: () => Awaitable<T>, recover: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const value = work()
    return isPending(value) ? value.catch(recover) : value
  } catch (error) {
    return recover(error)
  }
}
