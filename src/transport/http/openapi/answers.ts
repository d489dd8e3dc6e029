import type { CallerKind, Role } from '../../../domain/caller.ts'
import { AppError, ERROR_CODES, type ErrorCode, type ErrorExtras, problemOf } from '../../../domain/errors.ts'
import { sessionCookie } from '../identity/credentials.ts'
import { type ApiPath, inputLocations, typeName } from './paths.ts'
import { schemaRef } from './schemas.ts'

/**
 * Codes that a documented address can answer: it has the method that the document names. Of two with the same status the
 * document describes one, which speaks of both.
 */
type DocumentedCode = Exclude<ErrorCode, 'method_not_allowed' | 'model_not_configured'>

const WHEN: Record<DocumentedCode, string> = {
  invalid_input:
    'The input is not valid; `errors` names every faulty field. Also for a body that is no UTF-8 JSON, for unknown fields and for faults in a prompt text, with line and column.',
  unauthenticated: 'No credential, one that is not valid or not valid any more, or two at once.',
  forbidden: "The caller's role is not enough, or the request comes from a page that may not send it.",
  not_found:
    'There is no such topic, prompt, version or conversation. Inactive and deleted topics exist for administrators only, conversations for their owner only.',
  conflict:
    'It exists already, is deleted, or was changed by another writer since `expected_revision`; for a prompt, `current` then holds the text that won. For a conversation: a turn is being answered (`current`), was cancelled, or no other can begin.',
  too_large: 'The request body is larger than 1 MiB, or a text or a record larger than its limit.',
  rate_limited: 'The allowance of this minute is used up. `Retry-After` says when another call makes sense.',
  model_error:
    'The language model failed, took too long, or gave no valid answer, not even when asked to repair it.',
  unavailable:
    'The store cannot be reached or written; nothing was changed. Or no language model is set up (`model_not_configured`).',
  internal: 'A defect of the server. Its log says more under the `X-Request-Id` of the answer.',
}

const EXAMPLES: Record<DocumentedCode, AppError> = {
  invalid_input: problem('invalid_input', 'topic_name: expected text.', {
    errors: [{ path: 'topic_name', expected: 'text', message: 'expected text.' }],
  }),
  unauthenticated: problem('unauthenticated', 'The API key is not valid.'),
  forbidden: problem('forbidden', 'This needs the role "admin"; the caller has "service".'),
  not_found: problem('not_found', 'There is no topic "revenue_salesforce".'),
  conflict: problem('conflict', 'There is a topic "revenue_salesforce" already.'),
  too_large: problem('too_large', 'The request body is larger than 1 MiB.'),
  rate_limited: problem('rate_limited', 'More than 1000 retrieval calls in a minute.'),
  model_error: problem('model_error', 'The model gave no answer within 60 seconds.'),
  unavailable: problem('unavailable', 'The store cannot be written.'),
  internal: problem('internal', 'Something went wrong on our side; the server log says more.'),
}
const current = {
  revision: 2,
  content: 'Updated system prompt...',
  updated_by: 'admin@purposepath.ai',
  updated_at: '2025-01-20T14:00:00.000Z',
}
const CAME_TOO_LATE = problem(
  'conflict',
  `The prompt is at revision ${current.revision} since ${current.updated_at} by ${current.updated_by}.`,
  { current },
)

/** What a stream of an answer looks like, for callers that accept `text/event-stream`. */
function eventsOf({ answer, deltas = [] }: ApiPath['example']): string {
  const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n`
  return [...deltas.map((text) => event('delta', { text })), event('result', answer)].join('\n')
}

function problem(code: DocumentedCode, message: string, extras?: ErrorExtras): AppError {
  return new AppError(code, message, extras)
}

const text = { type: 'string' }

/** Headers of answers, by their names. */
export const headerComponents: Readonly<Record<string, object>> = {
  'Preference-Applied': {
    description: 'The `wait` of the request that counts.',
    schema: text,
    example: 'wait=10',
  },
  ETag: {
    description:
      'For services a tag of what is answered, for `If-None-Match`; for administrators the revision, for `If-Match`.',
    schema: text,
    example: '"1"',
  },
  Location: { description: 'The path of what was created.', schema: text },
  'Prompts-Stale': {
    description:
      '`true` while the store cannot be reached and known texts are served; `meta.as_of` says as of when.',
    schema: { type: 'string', const: 'true' },
  },
  RateLimit: {
    description: 'What is left of the limit (`r`) and the seconds until it is full again (`t`).',
    schema: text,
    example: '"retrieval";r=999;t=1',
  },
  'RateLimit-Policy': {
    description: 'The limit: calls (`q`) in a window of seconds (`w`).',
    schema: text,
    example: '"retrieval";q=1000;w=60',
  },
  'Retry-After': {
    description: 'Seconds until another attempt makes sense.',
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': { description: 'The kinds of credentials that are taken.', schema: text },
  'X-Request-Id': { description: "Finds the request in the server's log.", schema: text },
}
const ON_ALL = ['X-Request-Id']
const ON_LIMITED = ['RateLimit', 'RateLimit-Policy', ...ON_ALL]
const ON_PROBLEM: Partial<Record<DocumentedCode, string[]>> = {
  unauthenticated: ['WWW-Authenticate', ...ON_ALL],
  conflict: ['Retry-After', ...ON_ALL],
  rate_limited: ['Retry-After', ...ON_LIMITED],
}

function headerRefs(names: readonly string[]): Record<string, { $ref: string }> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

/** Answers that many addresses share: every problem, and that nothing has changed. */
export const responses: Readonly<Record<string, object>> = {
  NotModified: {
    description: 'The caller holds this answer already: it sent its tag in `If-None-Match`.',
    headers: headerRefs(['ETag', ...ON_LIMITED]),
  },
  ...Object.fromEntries(
    (Object.keys(WHEN) as DocumentedCode[]).map((code) => [
      typeName(code),
      problemResponse(WHEN[code], EXAMPLES[code], ON_PROBLEM[code]),
    ]),
  ),
  PreconditionFailed: problemResponse(
    'Another writer has changed what `If-Match` names; for a prompt, `current` holds the text that won.',
    CAME_TOO_LATE,
    undefined,
    412,
  ),
}

function problemResponse(
  description: string,
  error: AppError,
  headerNames = ON_ALL,
  status: number = ERROR_CODES[error.code].http,
) {
  const content = { schema: schemaRef('Problem'), example: { ...problemOf(error), status } }
  return {
    description,
    headers: headerRefs(headerNames),
    content: { 'application/problem+json': content },
  }
}

function responseRef(name: string): { $ref: string } {
  return { $ref: `#/components/responses/${name}` }
}

/** Everything that an address can answer, by status. */
export function responsesOf(path: ApiPath): Record<string, object> {
  const { effect, cache, headers, creates, schemaName, streams, example } = path
  const { inPath, inBody } = inputLocations(path)
  const { seeks = inPath.length > 0 } = path
  const codes: DocumentedCode[] = ['invalid_input', 'unauthenticated', 'forbidden']
  if (seeks) codes.push('not_found')
  if (effect !== 'read') codes.push('conflict')
  if (inBody.length > 0) codes.push('too_large')
  codes.push('rate_limited', 'internal', 'unavailable')
  if (streams) codes.push('model_error')
  const headerNames = [
    ...(cache === 'none' ? [] : ['ETag']),
    ...(creates ? ['Location'] : []),
    ...(headers?.includes('prefer') ? ['Preference-Applied'] : []),
    ...ON_LIMITED,
    'Prompts-Stale',
  ]
  return {
    [creates ? 201 : 200]: {
      description: creates ? 'Created.' : 'Done.',
      headers: headerRefs(headerNames),
      content: {
        'application/json': { schema: schemaRef(`${schemaName}Answer`), example: example.answer },
        ...(streams && { 'text/event-stream': { schema: { type: 'string' }, example: eventsOf(example) } }),
      },
    },
    ...(cache === 'content' && { 304: responseRef('NotModified') }),
    ...Object.fromEntries(codes.map((code) => [ERROR_CODES[code].http, responseRef(typeName(code))])),
    ...(headers?.includes('if-match') && { 412: responseRef('PreconditionFailed') }),
  }
}

/** Kinds of credentials. */
export const securitySchemes: Readonly<Record<string, object>> = {
  ApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Api-Key',
    description: 'A key of a backend service, from `purposepath-prompts keys create`; its role is `service`.',
  },
  Bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of the configured issuer, or a local one from `purposepath-prompts token`.',
  },
  Session: {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookie(undefined).name,
    description:
      'The session of a browser that has signed in; only pages of this server can use it. Over https its name begins with `__Host-`.',
  },
}

const SCHEMES: Record<Exclude<CallerKind, 'local'>, string> = {
  key: 'ApiKey',
  token: 'Bearer',
  session: 'Session',
}
/** The kinds of callers that usually have a role. */
const USUAL_KINDS: Record<Role, readonly CallerKind[]> = {
  user: ['token'],
  service: ['key', 'token'],
  admin: ['token', 'session'],
}

/** The credentials that a caller can send: one of them, never two. */
export function securityOf({ role, callers = USUAL_KINDS[role] }: Pick<ApiPath, 'role' | 'callers'>) {
  return callers.flatMap((kind) => (kind === 'local' ? [] : [{ [SCHEMES[kind]]: [] }]))
}
