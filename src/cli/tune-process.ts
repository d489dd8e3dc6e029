import { executionAsyncResource } from 'node:async_hooks'

/** Held on to for its shape alone. */
const ticks: object[] = []

/**
 * Keeps `process.nextTick` as fast as it is at the start; Node calls it several times for every request.
 *
 * Each call makes an object of one shape. When a full collection of garbage finds none of them alive, V8 forgets the
 * shape, and makes every later one several times as slowly until the process ends (Node 20 to 24). So one stays alive.
 */
export function keepTicksFast(): void {
  process.nextTick(() => ticks.push(executionAsyncResource()))
}
