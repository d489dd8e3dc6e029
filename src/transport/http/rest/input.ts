import type { FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { type FieldError, invalidInput } from '../../../domain/errors.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { coerce, typeOf } from '../../coerce.ts'
import { fieldsInHeaders, headerFieldsOf } from './header-fields.ts'
import { readJsonObject } from './json-body.ts'
import type { RestRoute } from './routes.ts'

/** What an input is, and where its fields stand. */
export interface InputLocations
  extends Pick<RestRoute, 'pathNames' | 'source'>,
    Pick<Operation, 'input' | 'effect' | 'wholeBody' | 'headers'> {}

/**
 * How to read a route's input: one flat object of its path, header, query or body fields. Every field has one place; whatever
 * stands elsewhere is refused rather than ignored.
 */
export function inputReader({
  input: { shape },
  effect,
  pathNames,
  source,
  wholeBody,
  headers: read = [],
}: InputLocations): (request: FastifyRequest) => Record<string, unknown> {
  // Only a query is text: JSON has types of its own.
  const fields = source === 'query' ? Object.entries(shape) : []
  const types = new Map(fields.map(([name, field]) => [name, typeOf(field as z.ZodType)]))
  const takesRevision = read.includes('if-match')
  const headerFields = headerFieldsOf(read)

  return (request) => {
    const { headers, params, query, body } = request
    const inPath = params as Record<string, string>
    const inQuery = query as Record<string, string | string[]>
    const inHeaders = fieldsInHeaders(headerFields, headers)
    if (body === undefined && isEmpty(inQuery) && headers['if-match'] === undefined)
      return { ...inHeaders, ...inPath }
    const inBody = readJsonObject(request)
    const members = wholeBody === undefined ? Object.entries(inBody) : [[wholeBody, inBody]]
    const faults = [
      ...misplacedFields(
        members.map(([name]) => String(name)),
        source === 'body' ? pathNames : undefined,
        'body',
      ),
      ...misplacedFields(Object.keys(inQuery), source === 'query' ? pathNames : undefined, 'query'),
    ]
    for (const { field, header } of headerFields) {
      if (!members.some(([name]) => name === field)) continue
      faults.push({ path: field, expected: 'not in the body', message: `is given by the header ${header}.` })
    }
    if (faults.length > 0) throw invalidInput(faults)
    const fromQuery = Object.entries(inQuery).map(([name, text]) => [
      name,
      typeof text === 'string' ? coerce(types.get(name) ?? 'string', text) : text,
    ])
    // Not by assignment, which would make `__proto__` something else than a member.
    const elsewhere = Object.entries({ ...inHeaders, ...inPath })
    const input = Object.fromEntries([...members, ...fromQuery, ...elsewhere])
    const ifMatch = headers['if-match']
    if (ifMatch !== undefined && effect !== 'read') assertCondition(ifMatch, input, takesRevision)
    return input
  }
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}

/** Faults of fields that stand where they do not belong; `taken` are those that the path holds already. */
function misplacedFields(
  names: string[],
  taken: readonly string[] | undefined,
  location: string,
): FieldError[] {
  return names
    .filter((name) => taken?.includes(name) ?? true)
    .map((path) => ({
      path,
      expected: `not in the ${location}`,
      message: taken ? 'is given by the path.' : `does not belong into the ${location} here.`,
    }))
}

/**
 * The revisions that `If-Match` names, by strong comparison (RFC 9110, section 13.1.1): weak tags and tags that are not
 * ours name none. `undefined` without the header, and for `*`, which asks only that there is something to edit.
 */
export function revisionsIn(ifMatch: string | undefined): number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  return (tagsIn(ifMatch) ?? []).flatMap((tag) => {
    const [, digits] = /^"([1-9]\d{0,14})"$/.exec(tag) ?? []
    return digits === undefined ? [] : [Number(digits)]
  })
}

/** The entity tags of a list; `undefined` if it is none. */
function tagsIn(list: string): string[] | undefined {
  const tags: string[] = []
  // A tag may hold commas, a header holds no NUL.
  const parts = list.replace(/(?:W\/)?"[^"]*"/g, (tag) => {
    tags.push(tag)
    return '\0'
  })
  const isList = parts.split(',').every((part) => ['', '\0'].includes(part.trim()))
  return isList && tags.length > 0 ? tags : undefined
}

/** `If-Match` is another way to say `expected_revision`. @throws AppError `invalid_input`. */
function assertCondition(ifMatch: string, input: Record<string, unknown>, takesRevision: boolean): void {
  const refused = (expected: string, message: string) =>
    invalidInput([{ path: 'if-match', expected, message }])
  if (!takesRevision) throw refused('no such header', 'has no meaning for this request.')
  if (ifMatch.trim() !== '*' && !tagsIn(ifMatch))
    throw refused('revisions in quotes', 'expected the ETag of an answer, for example "3".')
  const given = input['expected_revision'] ?? undefined
  if (given !== undefined && !revisionsIn(ifMatch)?.includes(given as number))
    throw refused('no such header', 'contradicts expected_revision.')
}
