import { causeOf } from '../../../adapters/aws/calls.ts'
import { callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { AppError, toAppError } from '../../../domain/errors.ts'
import { type Check, fail, note, ok } from '../../check.ts'
import { type Property, unsupported } from '../provision/properties.ts'

/** What fixes most of what is missing. */
export const PROVISION = 'Run "purposepath-prompts provision"'

/** Runs a group of checks; one that cannot be made fails, and ends its group. */
export async function attempt(work: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await work()
  } catch (error) {
    return [fail(toAppError(error).operatorMessage)]
  }
}

/** The failure of a conditional write that is permitted and whose condition does not hold. */
export const CONDITION_FAILED = 'ConditionalCheckFailedException'

/**
 * Makes a call to find out whether it can be made.
 *
 * @param refusal the failure by which AWS says that the call is permitted and has no effect.
 * @returns `undefined` when it has no effect, or cannot be made.
 */
export type Probe = <T>(action: string, work: Work<T>, refusal?: string) => Promise<T | undefined>

type Work<T> = (options: { abortSignal: AbortSignal }) => Promise<T>

/**
 * Probes one resource. A call that cannot be made adds to `failures` and stops none of the others, so that a policy
 * that lacks several actions is fixed in one go.
 */
export function probeOn(awsResource: Resource, failures: Check[]): Probe {
  const call = callsOn(awsResource)
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

/** Looks at the properties of a resource. The program works without any of them, so that none of them fails. */
export async function checkProperties(resource: string, properties: readonly Property[]): Promise<Check[]> {
  const there: string[] = []
  const notes: Check[] = []
  for (const property of properties) {
    try {
      if (await property.exists()) there.push(property.name)
      else notes.push(note(`${capital(resource)} has no ${property.name}. ${PROVISION}.`))
    } catch (error) {
      notes.push(note(whyNot(resource, property, error)))
    }
  }
  return [...(there.length > 0 ? [ok(`${capital(resource)} has ${there.join(', ')}`)] : []), ...notes]
}

function whyNot(resource: string, { name, action }: Property, error: unknown): string {
  const why = unsupported(error)
  if (why !== undefined) return `${capital(resource)} has no ${name}: ${why}`
  if (!isDenied(error)) return capital(toAppError(error).operatorMessage)
  return `Whether ${resource} has ${name} cannot be seen: add ${action} on it to the IAM policy (deploy/iam-policy-provision.json has it).`
}

/** Whether AWS said that the credentials may not do it. */
export function isDenied(error: unknown): boolean {
  const cause = error instanceof AppError ? causeOf(error) : undefined
  return /^(AccessDenied|AccessDeniedException|Forbidden|403)$/.test(cause ?? '')
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
