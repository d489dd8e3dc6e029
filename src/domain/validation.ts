import type * as z from 'zod'
import { isDeeperThan, isExact } from '../util/json.ts'
import { AppError, type FieldError, invalidInput, MAX_FIELD_ERRORS } from './errors.ts'

/** Levels of a topic record and of a parameter value. */
export const MAX_DEPTH = 16

type Issue = z.core.$ZodIssue

/** A schema's issues as field errors, one for each field, unknown members each by name. */
export function fieldErrorsOf(error: z.core.$ZodError, most = Infinity): FieldError[] {
  return error.issues.slice(0, most).flatMap((issue) => {
    const path = joinPath('', ...issue.path.map(String))
    if (issue.code !== 'unrecognized_keys') {
      return [{ path, expected: expectedBy(issue), message: messageOf(issue) }]
    }
    return issue.keys.slice(0, most).map((key) => ({
      path: joinPath(path, key),
      expected: 'no such field',
      message: `"${shorten(key)}" is not a field here.`,
    }))
  })
}

/** A dotted path. `prefix` is a path already, and may be empty. */
export function joinPath(prefix: string, ...names: string[]): string {
  const path = names.map(shorten).join('.')
  return prefix === '' || path === '' ? prefix + path : `${prefix}.${path}`
}

/** A value of the schema, or everything that keeps `input` from being one. */
type Checked<T> = { data: T; errors?: never } | { data?: never; errors: FieldError[] }

/**
 * Checks `input` by `schema`, and for what a schema does not see: members called `__proto__`, which Zod would drop
 * without a word, halves of characters, which no store could keep as they are, and integers that may have been rounded.
 *
 * A member that is `null` where the schema wants a value counts as absent: many clients write it so.
 *
 * @param most how many of a schema's issues are reported; by default all, as for a file that a person fixes.
 * @example
 * const { data, errors } = check(Topic, JSON.parse(text))
 * if (errors) throw invalidInput(errors)
 */
export function check<S extends z.ZodType>(schema: S, input: unknown, most = Infinity): Checked<z.output<S>> {
  let given = input
  let parsed = schema.safeParse(given)
  // More than once: Zod looks at a whole object only when its members are valid.
  while (!parsed.success) {
    const rest = withoutNulls(given, parsed.error.issues)
    if (rest === undefined) break
    given = rest
    parsed = schema.safeParse(given)
  }
  if (parsed.success && !hasInvalidValues(given)) return { data: parsed.data }
  // Only now with what was given, which takes ten times as long: messages tell a missing field from a wrong one.
  const { error } = schema.safeParse(given, { reportInput: true })
  const seen = error ? fieldErrorsOf(error, most) : []
  const paths = new Set(seen.map(({ path }) => path))
  const errors = [...seen, ...invalidValues(given).filter(({ path }) => !paths.has(path))]
  return parsed.success && errors.length === 0 ? { data: parsed.data } : { errors }
}

/** A copy of `input` without the members that are null and that issues are about; `undefined` if there are none. */
function withoutNulls(input: unknown, issues: readonly Issue[]): unknown {
  const isNull = ({ code, path }: Issue) =>
    code !== 'invalid_key' && path.length > 0 && isNullMember(holderOf(input, path), path.at(-1))
  const paths = issues.filter(isNull).map(({ path }) => path)
  if (paths.length === 0) return undefined
  const copy = structuredClone(input)
  for (const path of paths) delete holderOf(copy, path)[path.at(-1) as string]
  return copy
}

/** What holds the value at `path`. */
function holderOf(input: unknown, path: readonly PropertyKey[]): Record<PropertyKey, unknown> {
  const holder = path.slice(0, -1).reduce((value, name) => Object(value)[name], input)
  return Object(holder)
}

function isNullMember(holder: Record<PropertyKey, unknown>, name: PropertyKey | undefined): boolean {
  return name !== undefined && !Array.isArray(holder) && Object.hasOwn(holder, name) && holder[name] === null
}

/**
 * Checks the input of an operation.
 *
 * @param whole the member that is the whole input on this surface: paths in it are named without it.
 * @throws AppError `invalid_input` naming every field with an error, `too_large` when it nests deeper than `maxDepth`.
 */
export function parseInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  maxDepth: number,
  whole?: string,
): z.output<S> {
  if (isDeeperThan(input, maxDepth)) throw tooDeep(input, maxDepth)
  const { data, errors } = check(schema, input, MAX_FIELD_ERRORS)
  if (!errors) return data
  if (whole === undefined) throw invalidInput(errors)
  const isWithin = (path: string) => path.startsWith(`${whole}.`)
  throw invalidInput(
    errors.map((error) =>
      isWithin(error.path) ? { ...error, path: error.path.slice(whole.length + 1) } : error,
    ),
  )
}

function tooDeep(input: unknown, maxDepth: number): AppError {
  const members = Object.entries(input as object).filter(([, member]) => isDeeperThan(member, maxDepth - 1))
  const expected = `at most ${maxDepth} levels`
  const errors = members.map(([name]) => ({ path: joinPath('', name), expected, message: 'nests deeper.' }))
  return new AppError('too_large', `The input nests deeper than ${maxDepth} levels.`, { errors })
}

/**
 * Errors of names, characters and numbers. Which names a parameter's value may hold is the parameter checker's to say.
 *
 * @param isValue whether `value` is, or is in, the value of a parameter.
 */
export function invalidValues(value: unknown, path = '', isValue = false): FieldError[] {
  if (!hasInvalidValues(value)) return []
  if (typeof value === 'string') return [halfCharacter(path)]
  if (typeof value === 'number') return [inexact(path)]
  return Object.entries(value as object).flatMap(([name, member]) => {
    const here = joinPath(path, name)
    if (!name.isWellFormed()) return [halfCharacter(here.toWellFormed())]
    const below = invalidValues(member, here, isValue || here === 'parameters')
    if (name !== '__proto__' || isValue) return below
    return [{ path: here, expected: 'another name', message: 'is a reserved name.' }, ...below]
  })
}

function halfCharacter(path: string): FieldError {
  return { path, expected: 'valid Unicode', message: 'holds half a character.' }
}

function inexact(path: string): FieldError {
  const expected = `a number from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}, or a string`
  return { path, expected, message: 'is too large to be exact as a number; send it as a string.' }
}

function hasInvalidValues(value: unknown): boolean {
  if (typeof value === 'string') return !value.isWellFormed()
  if (typeof value === 'number') return !isExact(value)
  if (typeof value !== 'object' || value === null) return false
  for (const name in value) {
    if (
      name === '__proto__' ||
      !name.isWellFormed() ||
      hasInvalidValues((value as Record<string, unknown>)[name])
    )
      return true
  }
  return false
}

function expectedBy(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'too_small':
      return `at least ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`
    case 'too_big':
      return `at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`
    case 'invalid_format':
      return issue.pattern ? `text that matches ${issue.pattern.replace(/^\/|\/[a-z]*$/g, '')}` : issue.format
    case 'invalid_value':
      return issue.values.length === 1
        ? String(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`
    case 'custom':
      return String(issue.params?.['expected'] ?? 'another value')
    default:
      return 'another value'
  }
}

function unitOf(origin: string, count: number | bigint): string {
  const unit = { string: ' character', array: ' item' }[origin]
  if (unit === undefined) return ''
  return Number(count) === 1 ? unit : `${unit}s`
}

function messageOf(issue: Issue): string {
  if (issue.code === 'custom') return `${issue.message}.`
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return `is missing; expected ${issue.expected}.`
  return `expected ${expectedBy(issue)}.`
}

/** Names chosen by a caller can be as long as a request; an error message should not be. */
function shorten(name: string): string {
  if (name === '') return '(empty)'
  return name.length > 80 ? `${name.slice(0, 80)}…` : name
}
