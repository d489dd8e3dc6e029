import { toAppError } from '../../domain/errors.ts'

/** No call in the background for so long after one failed. */
const PAUSE_MS = 2_000

/** What is known of a table that may be out of reach. */
export interface Outage {
  /** Whether a call failed just now, so that another makes no sense yet. */
  isRecent(): boolean
  /**
   * Runs one call and learns from its outcome. A call that fails while others succeed is no outage: one item may be
   * throttled, one answer late.
   */
  watch<T>(call: () => Promise<T>): Promise<T>
}

/** @param warn told once for each outage, with what an operator can do. */
export function outageWatch(warn: (reason: string, cause: unknown) => void): Outage {
  let isOut = false
  let pausedUntil = 0
  let succeededAt = Number.NEGATIVE_INFINITY
  const isRecent = () => performance.now() < pausedUntil

  return {
    isRecent,
    async watch(call) {
      const startedAt = performance.now()
      try {
        const answer = await call()
        succeededAt = performance.now()
        // Answers to calls from before the failure are not yet the end of it.
        if (!isRecent()) isOut = false
        return answer
      } catch (error) {
        if (succeededAt <= startedAt) {
          pausedUntil = performance.now() + PAUSE_MS
          if (!isOut) warn(toAppError(error).operatorMessage, error)
          isOut = true
        }
        throw error
      }
    },
  }
}
