/**
 * A value, or a promise of it: for ports whose answer is nearly always in memory. Callers await it either way.
 *
 * @example const key = await keys.verify(presented)
 */
export type Awaitable<T> = T | Promise<T>
