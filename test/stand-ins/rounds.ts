import type { FaultyServer } from './faulty-server.ts'

/** How long no further call may come for those that are held back to be a round. */
const QUIET_MS = 300

/**
 * Counts the rounds of calls of `work`: what comes together is one, however fast this machine is. Calls are held back
 * until no further one comes.
 */
export async function countRounds(server: FaultyServer, work: () => Promise<unknown>): Promise<number> {
  let rounds = 0
  let held: (() => void)[] = []
  let quiet: NodeJS.Timeout | undefined
  const usual = server.beforeForward
  server.beforeForward = () =>
    new Promise((resolve) => {
      held.push(resolve)
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        rounds++
        for (const release of held) release()
        held = []
      }, QUIET_MS)
    })
  await work()
  server.beforeForward = usual
  return rounds
}
