import * as z from 'zod'
import type { Awaitable } from '../domain/awaitable.ts'
import type { Caller, Role } from '../domain/caller.ts'
import type { TextListener } from '../domain/language-model.ts'
import type { ParameterStyle } from '../domain/parameters.ts'
import type { LimitName, RateLimitStatus } from '../domain/rate-limiter.ts'
import type { ModelClient } from '../services/models.ts'
import type { PublishingDeps } from '../services/publishing.ts'

/** What operations work with. */
export interface Services extends PublishingDeps {
  /** The way to language models. */
  models: ModelClient
  /** Topic types that `create_topic` accepts (PROMPTS_CREATABLE_TYPES). */
  creatableTypes: readonly string[]
}

/** Facts of one call that are not its input. */
export interface CallContext {
  caller: Caller
  /** Ties log lines and answers together. */
  requestId: string
  /** How parameters arrive on this surface; default `json`. */
  parameterStyle?: ParameterStyle
  /** Path of the parameters in this surface's input; default `parameters`. */
  parameterPrefix?: string
  /** Fires when nobody wants the answer any more. */
  signal?: AbortSignal
  /** Is shown what a model says while it says it. */
  listener?: TextListener
  /** True when the transport has taken the rate limits already, for all calls of a POST at once. */
  limitsTaken?: boolean
  /** The input's fields that are known before it is read, where it is read late: the audit log names them. */
  path?: Readonly<Record<string, string>>
  /** Told what is left of the caller's allowance, also when that refuses the call. */
  onRateLimit?: (allowance: RateLimitStatus) => void
}

export const Meta = z.object({
  next_cursor: z.string().optional().describe('Give it as `cursor` to get the next page.'),
  warnings: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  stale: z
    .boolean()
    .optional()
    .describe('True while the store cannot be reached and known texts are served.'),
  as_of: z.string().optional().describe('When stale: the time of which the answer is.'),
  revision: z.int().optional(),
})
export type Meta = z.infer<typeof Meta>

/** Further meta of answers that a model has given. */
export const ModelMeta = Meta.extend({
  topic_id: z.string(),
  model: z.string(),
  input_tokens: z.int().describe('Of all attempts together.'),
  output_tokens: z.int(),
  latency_ms: z.int(),
  attempts: z
    .int()
    .describe('How often the model was asked: more than once after a passing failure or for a repair.'),
})

/** Meta of an edit: the new revision, and what is odd about it, if anything. */
export function editMeta(revision: number, warnings: NonNullable<Meta['warnings']>): Meta {
  return { revision, ...(warnings.length > 0 && { warnings }) }
}

/** What every surface answers: REST body, `structuredContent` and `--json` alike (spec §3). */
export interface Result<Data> {
  data: Data
  meta?: Meta & Partial<z.infer<typeof ModelMeta>>
  /** Failures of single parts of a batch, by id. */
  errors?: Record<string, { code: string; detail: string }>
}

/** Anything the system can do: one record, projected to MCP tools, REST, OpenAPI and the command line. */
export interface Operation<Input extends z.ZodObject = z.ZodObject, Data extends z.ZodType = z.ZodType> {
  /** `noun.verb`: name on the command line, OpenAPI operationId and name in logs and metrics. */
  name: string
  /** Name of the MCP tool; none for the few that serve protocol verbs only. */
  tool?: string
  /** REST method and path below `/api/v1`; `{names}` are input fields, positional on the command line. */
  http?: string
  /** A second route with the same input and answer for which the least role is admin. */
  adminHttp?: string
  /** The field that is the whole body on REST, for callers that send just that. */
  wholeBody?: string
  /** True if a language model answers, which takes time: text can be shown while it comes. */
  asksModel?: true
  /** For what a POST creates: its path below `/api/v1`; `{names}` are fields of the answer. */
  creates?: string
  /** Title for people, and one sentence on what it does. */
  title: string
  summary: string
  /** Least role. */
  role: Role
  effect: 'read' | 'write' | 'delete'
  /** The limit that a call counts against. */
  limit: LimitName
  /** One flat object of the route's path, query and body fields. */
  input: Input
  /** Schema of the answer's `data`. */
  output: Data
  run(services: Services, input: z.output<Input>, context: CallContext): Awaitable<Result<z.input<Data>>>
}

/** Gives an operation's record its types. */
export function defineOperation<Input extends z.ZodObject, Data extends z.ZodType>(
  operation: Operation<Input, Data>,
): Operation<Input, Data> {
  return operation
}

/** Names of the path's fields, in order. */
export function pathFields({ http }: Pick<Operation, 'http'>): string[] {
  return [...(http ?? '').matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
}
