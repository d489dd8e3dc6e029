import { API_ROOT } from '../addresses.ts'
import type { operations, paths } from './openapi.d.ts'
import { RestError } from './problem.ts'
import { send, session } from './session.ts'

type Verb = 'get' | 'post' | 'put' | 'delete'
type Below<Path> = Path extends `/api/v1${infer Rest}` ? Rest : never
type Routes = {
  [Path in keyof paths]: {
    [Name in keyof paths[Path] & Verb as `${Uppercase<Name>} ${Below<Path>}`]: paths[Path][Name]
  }
}[keyof paths]
type All<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer Both) => void
  ? Both
  : never

/** Every route of the OpenAPI document by its line, for example `GET /admin/prompts/{topic_id}`. */
type RouteTable = All<Routes>
export type Route = keyof RouteTable & string

type ParametersOf<Operation> = Operation extends { parameters: infer Given } ? Given : unknown
type PathOf<Operation> = ParametersOf<Operation> extends { path: infer Path } ? { path: Path } : unknown
type QueryOf<Operation> =
  ParametersOf<Operation> extends { query?: infer Query } ? { query?: Query | undefined } : unknown
type BodyOf<Operation> = Operation extends { requestBody: { content: { 'application/json': infer Body } } }
  ? { body: Body }
  : Operation extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? { body?: Body }
    : unknown
type JsonOf<Response> = Response extends { content: { 'application/json': infer Json } } ? Json : never

export type Input<Line extends Route> = PathOf<RouteTable[Line]> &
  QueryOf<RouteTable[Line]> &
  BodyOf<RouteTable[Line]> & {
    /** Refuses the change unless this is the current revision. */
    ifMatch?: number | undefined
    signal?: AbortSignal | undefined
  }
export type Answer<Line extends Route> = RouteTable[Line] extends { responses: infer Responses }
  ? JsonOf<Responses[keyof Responses & (200 | 201)]>
  : never
/** `data` of the answer of an operation, by its name. */
export type DataOf<Name extends keyof operations> = operations[Name] extends { responses: infer Responses }
  ? JsonOf<Responses[keyof Responses & (200 | 201)]> extends { data: infer Data }
    ? Data
    : never
  : never

interface AnyInput {
  path?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  ifMatch?: number
  signal?: AbortSignal
}

/**
 * One request to the REST API, typed by the OpenAPI document.
 *
 * @throws RestError with the server's problem document, or with the code `unreachable`.
 * @example const { data } = await rest('GET /admin/prompts/{topic_id}', { path: { topic_id: 'vision' } })
 */
export async function rest<Line extends Route>(line: Line, input: Input<Line>): Promise<Answer<Line>> {
  const answer = await request(line, input as AnyInput)
  return (await answer.json()) as Answer<Line>
}

/** The answer to a request, once it is known to be a success. */
export async function request(line: string, input: AnyInput, accept?: string): Promise<Response> {
  const [method = '', template = ''] = line.split(' ')
  const url = API_ROOT + fillIn(template, input.path ?? {}) + queryString(input.query ?? {})
  const { body, ifMatch, signal } = input
  const answer = await send(url, {
    method,
    headers: {
      ...(accept !== undefined && { accept }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
  if (answer.status === 401) session.set(null)
  if (!answer.ok) throw await problemIn(answer)
  return answer
}

async function problemIn(answer: Response): Promise<RestError> {
  const retryAfter = Number(answer.headers.get('retry-after') ?? Number.NaN)
  const problem = await answer.json().catch(() => ({}))
  const code = answer.status >= 500 ? 'unavailable' : 'internal'
  return new RestError({ code, title: answer.statusText, ...problem }, retryAfter || undefined)
}

function fillIn(template: string, path: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
}

function queryString(query: Record<string, unknown>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}
