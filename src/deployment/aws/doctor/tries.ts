import { causeOf } from '../../../adapters/aws/calls.ts'
import { callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { toAppError } from '../../../domain/errors.ts'
import { type Check, fail } from '../../check.ts'

/** Says no to a conditional write whose condition does not hold: after it has looked whether it is permitted. */
export const REFUSED = 'ConditionalCheckFailedException'

/**
 * Makes a call to see whether it can be made.
 *
 * @param refusal how AWS says that it may be made and comes to nothing.
 * @returns `undefined` when it came to nothing, or cannot be made.
 */
export type Try = <T>(action: string, work: Work<T>, refusal?: string) => Promise<T | undefined>

type Work<T> = (options: { abortSignal: AbortSignal }) => Promise<T>

/**
 * Tries calls on one resource. One that cannot be made adds to `failures` and stops none of the others, so that a policy
 * that lacks several actions is mended at one go.
 */
export function triesOn(place: Resource, failures: Check[]): Try {
  const call = callsOn(place)
  return async (action, work, refusal) => {
    try {
      return await call(action, work)
    } catch (error) {
      if (refusal === undefined || causeOf(error) !== refusal)
        failures.push(fail(toAppError(error).operatorMessage))
      return undefined
    }
  }
}
