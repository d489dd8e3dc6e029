import { causeOf } from '../../../adapters/aws/calls.ts'
import type { AppError } from '../../../domain/errors.ts'

/** What became of one thing. */
export type Outcome = 'created' | 'completed' | 'already there' | 'not supported'

/** One thing that was done or found. */
export interface Step {
  /** For example `table purposepath-llm-prompts-dev`. */
  resource: string
  /** The property of the resource that this is about; missing when it is about the resource itself. */
  part?: string
  outcome: Outcome
  /** Why it is not supported. */
  why?: string
}

export type Report = (step: Step) => void

/** A property that a resource should have. `doctor` looks whether it exists, `provision` applies it. */
export interface Property {
  name: string
  /** The IAM action that looking takes. */
  action: string
  /** @throws AppError `conflict` when something of another kind stands in its place. */
  exists(): Promise<boolean>
  apply(): Promise<unknown>
}

/**
 * Makes sure of one thing. When changing fails, it may still be there: another process was faster, or an earlier try
 * of the same call arrived and only its answer got lost.
 *
 * @returns whether it had to be changed.
 */
export async function ensure(
  exists: () => Promise<boolean>,
  change: () => Promise<unknown>,
): Promise<boolean> {
  if (await exists()) return false
  try {
    await change()
  } catch (error) {
    if (!(await exists().catch(() => false))) throw error
  }
  return true
}

/**
 * Gives a resource the properties that it lacks.
 *
 * @param isNew whether the resource itself was made just now, so that all of it counts as created.
 */
export async function applyProperties(
  resource: string,
  properties: readonly Property[],
  isNew: boolean,
  report: Report,
): Promise<void> {
  for (const { name: part, exists, apply } of properties) {
    try {
      const isChanged = await ensure(exists, apply)
      report({ resource, part, outcome: isNew ? 'created' : isChanged ? 'completed' : 'already there' })
    } catch (error) {
      const why = unsupported(error)
      if (why === undefined) throw error
      report({ resource, part, outcome: 'not supported', why })
    }
  }
}

const UNKNOWN_OPERATION =
  /^(UnknownOperation|NotImplemented|MethodNotAllowed|UnsupportedOperation|InvalidAction)(Exception)?$/

/** A thing that the endpoint cannot have, for a reason other than an operation that it does not know. */
export class NotApplicable extends Error {}

/** Why a server that speaks AWS's protocols cannot do what was asked; `undefined` for other failures. */
export function unsupported(error: unknown): string | undefined {
  if (error instanceof NotApplicable) return error.message
  const status = statusOf(error)
  const isUnknown = UNKNOWN_OPERATION.test(causeOf(error) ?? '') || status === 501 || status === 405
  return isUnknown ? 'this endpoint does not know it' : undefined
}

/** The HTTP status behind a failure of `callAws`. */
export function statusOf(error: unknown): number | undefined {
  const cause = (error as AppError).cause as { $metadata?: { httpStatusCode?: number } } | undefined
  return cause?.$metadata?.httpStatusCode
}
