import { checkTemplate } from '../../../domain/template/check.ts'
import type { Fault } from '../../rest/problem.ts'
import type { Parameter } from '../../rest/topics.ts'

/** What a change of the parameters would do, said before it is saved. */
export interface Consequences {
  /** Faults that prompts would have then; the server refuses such a change. */
  broken: readonly (Omit<Fault, 'path'> & { prompt_type: string })[]
  /** Parameters that callers who send them would be refused for. */
  dropped: readonly string[]
  /** Parameters that callers who leave them out would be refused for. */
  demanded: readonly string[]
}

/** @param texts of all prompts of the topic, by prompt type. */
export function consequencesOf(
  before: readonly Parameter[],
  after: readonly Parameter[],
  texts: ReadonlyMap<string, string>,
): Consequences {
  const names = new Set(after.map((parameter) => parameter.name))
  const needed = (parameters: readonly Parameter[]) =>
    parameters.filter((one) => one.required && one.default === undefined).map((one) => one.name)
  const neededBefore = new Set(needed(before))
  return {
    broken: [...texts].flatMap(([prompt_type, text]) =>
      checkTemplate(text, after).errors.map((error) => ({ prompt_type, ...error })),
    ),
    dropped: before.map((parameter) => parameter.name).filter((name) => !names.has(name)),
    demanded: needed(after).filter((name) => name !== '' && !neededBefore.has(name)),
  }
}
