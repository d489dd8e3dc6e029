import type { FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { type FieldError, invalidInput } from '../../../domain/errors.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { coerce, typeOf } from '../../coerce.ts'
import { readJsonObject } from './json-body.ts'
import type { RestRoute } from './routes.ts'

/** What an input is, and where its fields stand. */
export interface InputLocations
  extends Pick<RestRoute, 'pathNames' | 'source'>,
    Pick<Operation, 'input' | 'effect' | 'wholeBody' | 'headers'> {}

/**
 * How to read a route's input: one flat object of its path, query or body fields. Every field has one place; whatever
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
  const types = new Map(Object.entries(shape).map(([name, field]) => [name, typeOf(field as z.ZodType)]))
  const takesRevision = read.includes('if-match')

  return (request) => {
    const { headers, params, query, body } = request
    const inPath = params as Record<string, string>
    const inQuery = query as Record<string, string | string[]>
    if (body === undefined && isEmpty(inQuery) && headers['if-match'] === undefined) return { ...inPath }
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
    if (faults.length > 0) throw invalidInput(faults)
    const fromQuery = Object.entries(inQuery).map(([name, text]) => [
      name,
      typeof text === 'string' ? coerce(types.get(name) ?? 'string', text) : text,
    ])
    // Not by assignment, which would make `__proto__` something else than a member.
    const input = Object.fromEntries([...members, ...fromQuery, ...Object.entries(inPath)])
    const ifMatch = headers['if-match']
    if (ifMatch === undefined || effect === 'read') return input
    return withRevision(input, ifMatch, takesRevision)
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
 * The revision that an edit was made from, by `If-Match` (RFC 9110, section 13.1.1); `undefined` for `*`, which asks
 * only that there is something to edit.
 *
 * @throws AppError `invalid_input` for anything but one tag of ours.
 */
function revisionOf(ifMatch: string): number | undefined {
  if (ifMatch.trim() === '*') return undefined
  const [, digits] = /^\s*"([1-9]\d{0,14})"\s*$/.exec(ifMatch) ?? []
  if (digits !== undefined) return Number(digits)
  const message = 'expected the ETag of an answer, for example "3".'
  throw invalidInput([{ path: 'if-match', expected: 'one revision in quotes', message }])
}

/** `If-Match` is another way to say `expected_revision`. */
function withRevision(input: Record<string, unknown>, ifMatch: string, takesRevision: boolean) {
  const revision = revisionOf(ifMatch)
  const isTwice = input['expected_revision'] !== undefined && input['expected_revision'] !== revision
  if (!takesRevision || isTwice) {
    const message = takesRevision ? 'contradicts expected_revision.' : 'has no meaning for this request.'
    throw invalidInput([{ path: 'if-match', expected: 'no such header', message }])
  }
  return revision === undefined ? input : { ...input, expected_revision: revision }
}
