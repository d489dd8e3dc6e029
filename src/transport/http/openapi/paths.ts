import type * as z from 'zod'
import type { Role } from '../../../domain/caller.ts'
import type { LimitName } from '../../../domain/rate-limiter.ts'
import { type Example, examples } from '../../../operations/examples.ts'
import { answerSchema } from '../../../pipeline/answer-schema.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { placesOf, type RestRoute, restRoutes } from '../rest/routes.ts'

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
  /** True when success is 201 with a `Location`. */
  creates: boolean
  /** One flat object of the path's, the query's or the body's fields. */
  input: z.ZodObject
  /** The field that is the whole body, for callers that send just that. */
  wholeBody?: string | undefined
  /** True if a language model answers: its text can be streamed. */
  asksModel?: boolean
  /** The body of a success, all of it. */
  answer: z.ZodType
  /** True when the answer's ETag is the revision of what it shows. */
  showsRevision: boolean
  example: { input: Readonly<Record<string, unknown>>; answer: unknown }
}

/** An address that is no projection of the table, described like one of it. */
export type ExtraPath = ApiPath

/** Every REST route of the table. */
export function tablePaths(): ApiPath[] {
  return restRoutes.map(describeRoute)
}

function describeRoute({ method, path, operation, forAdmins }: RestRoute): ApiPath {
  const { name, title, summary, role, effect, limit, input, output, wholeBody, asksModel } = operation
  const { input: given, data, meta }: Example = examples[name] ?? { input: {}, data: undefined }
  return {
    method,
    path,
    // Ids are unique: the second address of an operation is the one for administrators.
    operationId: forAdmins && operation.adminHttp !== undefined ? `${name}.admin` : name,
    tag: name.split('.')[0] as string,
    schemaName: typeName(operation.tool ?? name),
    title,
    summary,
    role,
    effect,
    limit,
    creates: operation.creates !== undefined,
    input,
    wholeBody,
    asksModel: asksModel ?? false,
    answer: answerSchema(operation),
    showsRevision: forAdmins && 'shape' in output && 'revision' in (output.shape as object),
    example: { input: given, answer: { data, ...(meta !== undefined && { meta }) } },
  }
}

/** `create_topic` → `CreateTopic`, the form of type names in most clients' languages. */
export function typeName(words: string): string {
  return words.replace(/(?:^|[^a-z])([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Where an address takes its input from: names in its path, and all others in its query or its body. */
export function inputPlaces({ method, path, input }: Pick<ApiPath, 'method' | 'path' | 'input'>) {
  const { pathNames: inPath, source } = placesOf({ method, path })
  const others = Object.keys(input.shape).filter((name) => !inPath.includes(name))
  return { inPath, inQuery: source === 'query' ? others : [], inBody: source === 'body' ? others : [] }
}
