import type { Parameter, Topic } from '../../rest/topics.ts'
import { firstSamples, type Samples, textOf, valuesOf } from './sample.ts'

/** Sample values that belong together, under a name. */
export interface SampleCase {
  name: string
  /** Only those that were typed; see {@link firstSamples}. */
  samples: Samples
}

/** The cases of a topic as they are exported: with values as programs send them. */
export interface CasesFile {
  topic_id: string
  cases: { name: string; parameters: Record<string, unknown> }[]
}

export function fileOf({ topic_id, allowed_parameters }: Topic, cases: readonly SampleCase[]): CasesFile {
  const first = firstSamples(allowed_parameters)
  return {
    topic_id,
    cases: cases.map(({ name, samples }) => ({
      name,
      parameters: valuesOf(allowed_parameters, { ...first, ...samples }),
    })),
  }
}

/** Why a text holds no cases: it is not JSON, or other JSON. */
export class NoCases extends Error {
  readonly reason: 'json' | 'shape'

  constructor(reason: NoCases['reason']) {
    super(reason)
    this.name = 'NoCases'
    this.reason = reason
  }
}

/**
 * The cases in the text of a file.
 *
 * @returns also the names in it that are no parameters of the topic; their values are left out.
 * @throws NoCases
 */
export function casesIn(
  text: string,
  parameters: readonly Parameter[],
): { cases: SampleCase[]; unknown: string[] } {
  const found = (parsed(text) as Partial<CasesFile> | null)?.cases
  if (!Array.isArray(found) || found.length === 0 || !found.every(isCase)) throw new NoCases('shape')
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]))
  const names = new Set(found.flatMap(({ parameters }) => Object.keys(parameters)))
  const cases = found.map(({ name, parameters: values }) => ({
    name,
    // A value that is not there is an empty one: it must not become the first sample again.
    samples: Object.fromEntries([...known].map(([name, parameter]) => [name, textIn(values, parameter)])),
  }))
  return { cases, unknown: [...names].filter((name) => !known.has(name)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new NoCases('json')
  }
}

function isCase(value: unknown): value is CasesFile['cases'][number] {
  const { name, parameters } = Object(value)
  return (
    typeof name === 'string' &&
    typeof parameters === 'object' &&
    parameters !== null &&
    !Array.isArray(parameters)
  )
}

function textIn(values: Readonly<Record<string, unknown>>, parameter: Parameter): string {
  const { name } = parameter
  return Object.hasOwn(values, name) ? textOf(parameter, values[name]) : ''
}

/** `added` beside `cases`, in place of those that have the same name. */
export function withCases(cases: readonly SampleCase[], added: readonly SampleCase[]): SampleCase[] {
  const names = new Set(added.map(({ name }) => name))
  return [...cases.filter(({ name }) => !names.has(name)), ...added]
}
