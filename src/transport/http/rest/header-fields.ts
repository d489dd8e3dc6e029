import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { MAX_WAIT_SECONDS } from '../../../operations/conversations/talk.ts'
import type { Operation, RequestHeader } from '../../../pipeline/operation.ts'

/** An input field that REST takes from a request header. */
interface HeaderField {
  /** As documents write it. */
  header: string
  field: string
  /** The value that a header means; `undefined` for none. */
  read: (text: string) => unknown
  /** The header that means a value. */
  write: (value: unknown) => string
}

const FIELDS: Readonly<Partial<Record<RequestHeader, HeaderField>>> = {
  'idempotency-key': {
    header: 'Idempotency-Key',
    field: 'idempotency_key',
    read: (text) => text,
    write: String,
  },
  prefer: { header: 'Prefer', field: 'wait', read: waitIn, write: (value) => `wait=${value}` },
}

/** The header fields of an operation. */
export function headerFieldsOf(headers: Operation['headers'] = []): readonly HeaderField[] {
  return headers.flatMap((name) => FIELDS[name] ?? [])
}

/** The values of header fields in a request. */
export function fieldsInHeaders(
  fields: readonly HeaderField[],
  headers: IncomingHttpHeaders,
): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const { header, field, read } of fields) {
    const text = headers[header.toLowerCase()]
    const value = text === undefined ? undefined : read(String(text))
    if (value !== undefined) found[field] = value
  }
  return found
}

/** Says in the answer which preference of the request counts (RFC 7240, section 3). */
export function applyPreference({ headers }: Operation, request: FastifyRequest, reply: FastifyReply): void {
  const { prefer } = request.headers
  if (prefer === undefined || !headers?.includes('prefer')) return
  const seconds = waitIn(String(prefer))
  if (seconds !== undefined) reply.header('preference-applied', `wait=${seconds}`)
}

/**
 * The first `wait` of a list of preferences, in seconds. A longer wait than is allowed is cut; preferences that are not
 * understood are ignored (RFC 7240, section 2).
 */
function waitIn(prefer: string): number | undefined {
  const [, seconds] = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[;,]|$)/i.exec(prefer) ?? []
  return seconds === undefined ? undefined : Math.min(MAX_WAIT_SECONDS, Number(seconds))
}
