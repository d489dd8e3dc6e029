import type { z } from 'zod'
import { AppError, type FieldFault, invalidInput } from './errors.ts'
import { isDeeperThan } from './json.ts'

type Issue = z.core.$ZodIssue

/** A schema's complaints as field faults, one for each faulty field, unknown members each by name. */
export function faultsOf(error: z.core.$ZodError, prefix = ''): FieldFault[] {
  return error.issues.flatMap((issue) => {
    const path = joinPath(prefix, ...issue.path.map(String))
    if (issue.code !== 'unrecognized_keys') {
      return [{ path, expected: expectedBy(issue), message: messageOf(issue) }]
    }
    return issue.keys.map((key) => ({
      path: joinPath(path, key),
      expected: 'no such field',
      message: `"${shorten(key)}" is not a field here.`,
    }))
  })
}

/** Joins the parts of a dotted path and leaves out empty ones. */
export function joinPath(...parts: string[]): string {
  return parts
    .filter((part) => part !== '')
    .map(shorten)
    .join('.')
}

/**
 * Parses `input` by `schema`.
 *
 * @throws AppError `invalid_input` naming every faulty field, `too_large` when it nests deeper than `maxDepth`.
 */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown, maxDepth: number): z.output<S> {
  if (isDeeperThan(input, maxDepth))
    throw new AppError('too_large', `The input nests deeper than ${maxDepth} levels.`)
  const parsed = schema.safeParse(input)
  if (!parsed.success) throw invalidInput(faultsOf(parsed.error))
  return parsed.data
}

function expectedBy(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'too_small':
      return `at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_format':
      return issue.pattern ? `text that matches ${issue.pattern.replace(/^\/|\/[a-z]*$/g, '')}` : issue.format
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'custom':
      return String(issue.params?.['expected'] ?? 'another value')
    default:
      return 'another value'
  }
}

function unitOf(origin: string): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' items' : ''
}

function messageOf(issue: Issue): string {
  if (issue.code === 'custom') return `${issue.message}.`
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return `is missing; expected ${issue.expected}.`
  return `expected ${expectedBy(issue)}.`
}

/** Names chosen by a caller can be as long as a request; an error message should not be. */
function shorten(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name
}
