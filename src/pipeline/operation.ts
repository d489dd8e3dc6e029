import * as z from 'zod'
import type { ApiKeys } from '../domain/api-keys.ts'
import type { Caller, CallerKind, Role } from '../domain/caller.ts'
import type { TextListener } from '../domain/language-model.ts'
import type { ParameterStyle } from '../domain/parameters.ts'
import type { LimitName, RateLimitStatus } from '../domain/rate-limiter.ts'
import type { CallOrigin } from '../domain/telemetry.ts'
import type { TopicUsage } from '../domain/topic-usage.ts'
import type { Conversations } from '../services/conversations/conversations.ts'
import type { ModelClient } from '../services/models.ts'
import type { PublishingDeps } from '../services/publishing.ts'
import type { Awaitable } from '../util/awaitable.ts'
import { Meta, PartFailure, type Result } from './result.ts'

/** What operations work with. */
export interface Services extends PublishingDeps {
  models: ModelClient
  conversations: Conversations
  usage: TopicUsage
  /** The API keys of this installation; opened by the first call. */
  openKeys: () => Promise<ApiKeys>
  /** Topic types that `create_topic` accepts (PROMPTS_CREATABLE_TYPES). */
  creatableTypes: readonly string[]
}

/** Facts of one call that are not its input. */
export interface CallContext {
  caller: Caller
  /** Ties log lines and answers together. */
  requestId: string
  /** Where the call comes from, for traces. */
  origin?: CallOrigin
  /** How parameters arrive on this surface; default `json`. */
  parameterStyle?: ParameterStyle
  /** Path of the parameters in this surface's input; default `parameters`. */
  parameterPrefix?: string
  /** Fires when the caller no longer waits for the result. */
  signal?: AbortSignal
  /** Receives a model's text while it is generated. */
  listener?: TextListener
  /** When the transport has consumed the limits already, for all calls of a POST at once. */
  isCounted?: true
  /** Input fields that are known before the input is read, where it is read late: the audit log names them. */
  path?: Readonly<Record<string, string>>
  /** Revisions of which an edit must have been made from one (`If-Match`); an empty list matches none. */
  ifMatch?: readonly number[]
  /** Receives what is left of the caller's limit, also when the call is refused. */
  onRateLimit?: (status: RateLimitStatus) => void
}

/**
 * How long a REST answer may be kept, and what its ETag is.
 *
 * - `none`: never kept, no ETag
 * - `content`: kept, and asked about again by a tag of its bytes (`If-None-Match`)
 * - `revision`: never kept; its tag is the revision, for edits (`If-Match`)
 */
export type CachePolicy = 'none' | 'content' | 'revision'

/**
 * Request headers that mean something to an operation.
 *
 * - `if-match`: another way to give `expected_revision`
 * - `idempotency-key`: where REST takes the field `idempotency_key` from
 * - `prefer`: its `wait=N` is where REST takes the field `wait` from (RFC 7240)
 */
export type RequestHeader = 'if-match' | 'idempotency-key' | 'prefer'

/** A second REST route to the same operation, with another role, limit and cache policy. */
interface ExtraRoute {
  http: string
  role: Role
  limit: LimitName
  cache: CachePolicy
}

/** Anything the system can do: one record, projected to MCP tools, REST, OpenAPI and the command line. */
export interface Operation<Input extends z.ZodObject = z.ZodObject, Data extends z.ZodType = z.ZodType> {
  /** `noun.verb`: name on the command line, OpenAPI operationId and name in logs and metrics. */
  name: string
  /** Name of the MCP tool; missing for operations that serve protocol verbs only, and for those that are nothing for models. */
  tool?: string
  /** False where the table makes no command: what only a server knows, and what has a command of its own. */
  command?: false
  /** REST method and path below `/api/v1`; `{names}` are input fields, positional on the command line. */
  http?: string
  /** The same for administrators, where that is a route of its own. */
  adminRoute?: ExtraRoute
  /** The field that is the whole input where {@link CallContext.parameterPrefix} is empty: a body on REST, for example. */
  wholeBody?: string
  /** For what a POST creates: its path below `/api/v1`; `{names}` are fields of the answer. */
  creates?: string
  /** Title for people, and one sentence on what it does. */
  title: string
  summary: string
  /** Least role. */
  role: Role
  /** Kinds of callers that may call; default: every kind. */
  callers?: readonly CallerKind[]
  effect: 'read' | 'write' | 'delete'
  /** The limit that a call counts against. */
  limit: LimitName
  cache: CachePolicy
  /**
   * Set if a language model's text can be shown while it is generated. `by topic`: only where the call says so, by
   * {@link TextListener.onBegin}; elsewhere the answer is the same as for callers that do not listen.
   */
  streams?: true | 'by topic'
  headers?: readonly RequestHeader[]
  /** One flat object of the route's path, query and body fields. */
  input: Input
  /** Schema of the answer's `data`. */
  output: Data
  /** Schema of the answer's `meta`; default {@link Meta}, optional. */
  meta?: z.ZodType
  /** What the audit log says a call is about, from input that is not checked yet; default: its members of these names. */
  about?: (input: Readonly<Record<string, unknown>>) => {
    topic_id?: unknown
    prompt_type?: unknown
    conversation_id?: unknown
  }
  /**
   * One call for the documents: its whole input, the answer, and for what streams the texts that come before it. Every
   * operation of the table has one.
   */
  example?: {
    input: z.input<Input>
    data: z.input<Data>
    meta?: Result<unknown>['meta']
    deltas?: readonly string[]
  }
  run(services: Services, input: z.output<Input>, context: CallContext): Awaitable<Result<z.input<Data>>>
}

/**
 * Gives an operation's record its types.
 *
 * @example see `src/operations/topics/read.ts`
 */
export function defineOperation<Input extends z.ZodObject, Data extends z.ZodType>(
  operation: Operation<Input, Data>,
): Operation<Input, Data> {
  return operation
}

/** Names of the path's fields, in order. */
export function pathFields({ http }: Pick<Operation, 'http'>): string[] {
  return [...(http ?? '').matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
}

/** The schema of a whole answer of an operation. */
export function answerSchema({ output, meta = Meta.optional() }: Pick<Operation, 'output' | 'meta'>) {
  return z.object({ data: output, meta, errors: z.record(z.string(), PartFailure).optional() })
}
