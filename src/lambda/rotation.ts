import { secretsClient } from '../adapters/secrets-manager/client.ts'
import { type RotationEvent, runRotationStep } from '../adapters/secrets-manager/rotation.ts'
import { loadConfig } from '../config.ts'
import { toAppError } from '../domain/errors.ts'
import { systemClock } from '../util/time.ts'

/** The part of the function's time that is kept for the work after a wait. */
const RESERVE_MS = 15_000

/** The part of Lambda's context that is used here. */
interface Invocation {
  getRemainingTimeInMillis(): number
}

/**
 * Rotates the API key: the function that Secrets Manager calls once for each step, with STAGE in its environment.
 *
 * The last step waits until the new key is a minute old, if the function's timeout leaves time for that; otherwise it
 * fails and Secrets Manager tries again later. A timeout of two minutes is enough.
 */
export async function handler(event: RotationEvent, invocation?: Invocation): Promise<void> {
  try {
    const mostMs = invocation ? invocation.getRemainingTimeInMillis() - RESERVE_MS : Infinity
    await runRotationStep(secretsClient(), event, {
      stage: loadConfig(process.env).stage,
      clock: systemClock,
      mostMs,
    })
  } catch (thrown) {
    // Lambda writes the error to the function's log, where the operator looks for it.
    throw new Error(toAppError(thrown).operatorMessage, { cause: thrown })
  }
}
