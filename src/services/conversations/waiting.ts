import { backoffMs, raceAbort, sleep, within } from '../../util/time.ts'
import { callerGone, shuttingDown } from './failures.ts'

/** Between looks into the store for what another instance does. */
const LOOK = { firstMs: 100, mostMs: 1_000 }

/** One caller's waiting for what others do. It ends when the caller goes away, and when the server shuts down. */
export interface Waiting {
  /** @throws AppError `unavailable` when the waiting ends before `work`; what `work` rejects with. */
  until<T>(work: Promise<T>): Promise<T>
  /**
   * Waits until it is time to look again: until `work` has ended, or without it a little longer each time.
   *
   * @throws AppError `unavailable`
   */
  pause(mostMs: number, work?: Promise<unknown>): Promise<void>
  /** To be called when nothing is waited for any more. */
  end(): void
}

/**
 * @param caller fires when the caller no longer waits.
 * @param ending fires when the server shuts down.
 */
export function startWaiting(caller: AbortSignal | undefined, ending: AbortSignal): Waiting {
  const stop = new AbortController()
  const onGone = () => stop.abort(callerGone())
  const onEnding = () => stop.abort(shuttingDown())
  caller?.addEventListener('abort', onGone)
  ending.addEventListener('abort', onEnding)
  if (caller?.aborted) onGone()
  if (ending.aborted) onEnding()
  let looks = 0
  return {
    until: (work) => raceAbort(work, stop.signal),
    async pause(mostMs, work) {
      if (work)
        return raceAbort(
          within(
            mostMs,
            work.catch(() => {}),
          ),
          stop.signal,
        )
      looks++
      return sleep(Math.min(mostMs, backoffMs(LOOK, looks)), stop.signal)
    },
    end() {
      caller?.removeEventListener('abort', onGone)
      ending.removeEventListener('abort', onEnding)
    },
  }
}
