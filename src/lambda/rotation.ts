import { secretsClient } from '../adapters/secrets-manager/client.ts'
import { type RotationEvent, runRotationStep } from '../adapters/secrets-manager/rotation.ts'
import { loadConfig } from '../config.ts'
import { systemClock } from '../domain/clock.ts'
import { toAppError } from '../domain/errors.ts'

/** Of the function's time so much is left for what follows a wait. */
const RESERVE_MS = 15_000

/** What Lambda tells of an invocation. */
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
    await runRotationStep(secretsClient(), event, { stage: loadConfig().stage, clock: systemClock, mostMs })
  } catch (thrown) {
    // Lambda writes what is thrown to its log, which is where the operator looks.
    throw new Error(toAppError(thrown).operatorMessage, { cause: thrown })
  }
}
