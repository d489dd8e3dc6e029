import { setTimeout } from 'node:timers/promises'

const MINUTE_MS = 60_000
/** What a slow machine needs to use up a small limit. */
const ENOUGH_MS = 15_000

/** Waits for the next minute if this one ends soon: limits are counted by the minute of the clock. */
export async function earlyInMinute(): Promise<void> {
  const left = MINUTE_MS - (Date.now() % MINUTE_MS)
  if (left < ENOUGH_MS) await setTimeout(left)
}
