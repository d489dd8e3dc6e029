import type * as z from 'zod'
import type { Role } from '../../../domain/caller.ts'
import type { LimitName } from '../../../domain/rate-limiter.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { answerSchema } from '../../../pipeline/operation.ts'
import { headerFieldsOf } from '../rest/header-fields.ts'
import { fieldLocations, type RestRoute, restRoutes } from '../rest/routes.ts'

/** One method of one address, as the OpenAPI document describes it. */
export interface ApiPath {
  method: RestRoute['method']
  /** Below `API_ROOT`, with `{names}` of input fields. */
  path: string
  operationId: string
  /** Groups addresses: the operation's noun. */
  tag: string
  /** Its body and its answer are the components `{schemaName}Request` and `{schemaName}Answer`. */
  schemaName: string
  /** Title for people, and one sentence on what it does. */
  title: string
  summary: string
  /** Least role. */
  role: Role
  effect: Operation['effect']
  /** The limit that a call counts against. */
  limit: LimitName
  /** Whether it works on something that may not be there; default: if its path has names. */
  seeks?: boolean
  /** True when success is 201 with a `Location`. */
  creates: boolean
  /** One flat object of the path's, the query's or the body's fields. */
  input: z.ZodObject
  /** The field that is the whole body, for callers that send just that. */
  wholeBody?: string | undefined
  /** See {@link Operation}. */
  callers?: Operation['callers']
  headers?: Operation['headers']
  streams?: Operation['streams']
  cache: Operation['cache']
  /** The body of a success, all of it. */
  answer: z.ZodType
  example: {
    input: Readonly<Record<string, unknown>>
    answer: unknown
    deltas?: readonly string[] | undefined
  }
}

/** Every REST route of the table. */
export function tablePaths(): ApiPath[] {
  return restRoutes.map(describeRoute)
}

function describeRoute({ id, method, path, operation }: RestRoute): ApiPath {
  const { name, title, summary, role, effect, limit, input, wholeBody, cache } = operation
  const { callers, headers, streams, example } = operation
  return {
    method,
    path,
    operationId: id,
    tag: name.split('.')[0] as string,
    schemaName: typeName(operation.tool ?? name),
    title,
    summary,
    role,
    effect,
    limit,
    seeks: path.includes('{') || ('topic_id' in input.shape && !operation.creates?.includes('{topic_id}')),
    creates: operation.creates !== undefined,
    input,
    wholeBody,
    callers,
    headers,
    streams,
    cache,
    answer: answerSchema(operation),
    example: {
      input: example?.input ?? {},
      answer: { data: example?.data, ...(example?.meta && { meta: example.meta }) },
      deltas: example?.deltas,
    },
  }
}

/** `create_topic` → `CreateTopic`, the form of type names in most clients' languages. */
export function typeName(words: string): string {
  return words.replace(/(?:^|[^a-z])([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Where an address takes its input from: its path, its headers, and all others from its query or its body. */
export function inputLocations({
  method,
  path,
  input,
  headers,
}: Pick<ApiPath, 'method' | 'path' | 'input' | 'headers'>) {
  const { pathNames: inPath, source } = fieldLocations({ method, path })
  const inHeader = headerFieldsOf(headers)
  const elsewhere = [...inPath, ...inHeader.map(({ field }) => field)]
  const others = Object.keys(input.shape).filter((name) => !elsewhere.includes(name))
  return {
    inPath,
    inHeader,
    inQuery: source === 'query' ? others : [],
    inBody: source === 'body' ? others : [],
  }
}
