import { causeOf } from '../../../adapters/aws/calls.ts'
import { AppError, toAppError } from '../../../domain/errors.ts'
import { type Check, fail, note, ok } from '../../check.ts'
import { type Part, unsupported } from '../provision/properties.ts'

/** What mends most of what is missing. */
export const PROVISION = 'Run "purposepath-prompts provision"'

/** Runs a group of checks; one that cannot be made fails, and ends its group. */
export async function attempt(work: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await work()
  } catch (error) {
    return [fail(toAppError(error).operatorMessage)]
  }
}

/** Looks at the properties of a resource. The program works without any of them, so that none of them fails. */
export async function checkParts(resource: string, parts: readonly Part[]): Promise<Check[]> {
  const there: string[] = []
  const notes: Check[] = []
  for (const part of parts) {
    try {
      if (await part.isThere()) there.push(part.name)
      else notes.push(note(`${capital(resource)} has no ${part.name}. ${PROVISION}.`))
    } catch (error) {
      notes.push(note(whyNot(resource, part, error)))
    }
  }
  return [...(there.length > 0 ? [ok(`${capital(resource)} has ${there.join(', ')}`)] : []), ...notes]
}

function whyNot(resource: string, { name, action }: Part, error: unknown): string {
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
