import { setTimeout } from 'node:timers/promises'

const MINUTE_MS = 60_000
/** What a slow machine needs to use up a small limit. */
const ENOUGH_MS = 15_000

/**
 * Waits for the next minute if this one ends soon: limits are counted by the minute of the clock.
 *
 * @param enoughMs what is needed of a minute.
 */
export async function earlyInMinute(enoughMs = ENOUGH_MS): Promise<void> {
  const left = MINUTE_MS - (Date.now() % MINUTE_MS)
  if (left < enoughMs) await setTimeout(left)
}
