import * as z from 'zod'

/** One message to a model. */
export interface ModelMessage {
  role: 'user' | 'assistant'
  content: string
}

/** The form of a structured answer: a JSON object of this schema. */
export interface AnswerFormat {
  name: string
  description: string
  /**
   * JSON Schema that uses only `type`, `properties`, `required`, `items`, `enum`, `description` and `minLength`: some
   * models refuse other keywords. An adapter leaves `minLength` out where a model refuses it.
   */
  schema: Record<string, unknown>
}

/** The keywords of {@link AnswerFormat.schema}, in the order in which they are written. */
const SCHEMA_KEYWORDS = [
  'type',
  'properties',
  'items',
  'enum',
  'minLength',
  'description',
  'required',
] as const

/** What only a model is told about a part of its answer. */
export interface ModelHint {
  description?: string
  /** Keeps a model from an empty text where the schema's own rule has no keyword. */
  minLength?: number
}

/**
 * The JSON Schema of an {@link AnswerFormat}. Rules that its keywords cannot express, such as patterns, are left out:
 * the answer has to be checked by `schema` itself.
 */
export function formatSchema(
  schema: z.ZodType,
  hints: z.core.$ZodRegistry<ModelHint>,
): Record<string, unknown> {
  return reduceSchema(z.toJSONSchema(schema, { metadata: hints }), SCHEMA_KEYWORDS)
}

/** `schema` without `minLength`, for models that refuse it. */
export function withoutLengths({ schema, ...format }: AnswerFormat): AnswerFormat {
  const keywords = SCHEMA_KEYWORDS.filter((keyword) => keyword !== 'minLength')
  return { ...format, schema: reduceSchema(schema, keywords) }
}

type JsonSchema = Record<string, unknown>

function reduceSchema(schema: JsonSchema, keywords: readonly string[]): JsonSchema {
  const { properties, items } = schema as { properties?: Record<string, JsonSchema>; items?: JsonSchema }
  const members =
    properties && Object.entries(properties).map(([name, member]) => [name, reduceSchema(member, keywords)])
  const reduced: JsonSchema = {
    ...schema,
    properties: members && Object.fromEntries(members),
    items: items && reduceSchema(items, keywords),
  }
  const kept = keywords.map((keyword) => [keyword, reduced[keyword]] as const)
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined))
}

export interface ModelRequest {
  /** The provider's name of it, for example a model id, an inference profile or an ARN. */
  model: string
  /** System texts, in order; may be empty. */
  system: readonly string[]
  /** The conversation so far. The user has the first and the last message; roles alternate. */
  messages: readonly ModelMessage[]
  maxTokens: number
  temperature: number | undefined
  /** The topic's `config`, from which an adapter reads settings of its provider, such as a guardrail. */
  config: Readonly<Record<string, unknown>>
  /** Default: none, the answer is plain text. */
  format?: AnswerFormat
}

/**
 * Why a model stopped.
 *
 * - `end`: its answer is whole
 * - `unstated`: the provider did not say, but the answer is whole
 * - `limit`: `maxTokens` was reached
 * - `context`: prompt and answer fill the model's context
 * - `filter`: a filter or guardrail stopped it, or the model declined
 * - `other`: anything else
 */
export type StopReason = 'end' | 'unstated' | 'limit' | 'context' | 'filter' | 'other'

export interface ModelReply {
  /**
   * The answer: its text, or with a format its JSON, unchecked. Several when the model gave several, empty when it gave
   * none. Never holds what the model thought before it answered.
   */
  answers: readonly string[]
  stopReason: Extract<StopReason, 'end' | 'unstated'>
  usage: TokenCount
}

export interface TokenCount {
  inputTokens: number
  outputTokens: number
}

/** Which model was used and what that cost, for answers, the audit log and metrics. Never holds any content. */
export interface ModelUse {
  model: string
  input_tokens: number
  output_tokens: number
  /** Requests to the model, with those that failed. */
  attempts: number
  /** What is known of each request. Not enumerable: answers show the members above. */
  readonly attemptLog?: ModelAttempt[]
}

/** One request to a model. Times are of `performance.now()`. */
export interface ModelAttempt {
  startedAt: number
  /** When the first piece of a stream came. */
  firstChunkAt?: number
  /** Missing while it runs: the call that it was for may be given up before it has ended. */
  endedAt?: number
  /** Zero when the provider did not say. */
  inputTokens: number
  outputTokens: number
  stopReason?: StopReason | undefined
  /** Why it failed: the kind of the failure, or `aborted`. */
  failure?: ModelFailureKind | 'aborted'
}

export interface AskOptions {
  /** Ends the call, also at the provider. */
  signal: AbortSignal
  /**
   * Gets the answer while it is generated: text, or with a format pieces of the first answer's JSON, and nothing of what
   * the model thinks. With it the provider is asked to stream. What it throws ends the call.
   */
  onDelta?: ((delta: string) => void) | undefined
}

/** Receives a model's text while it is generated. */
export interface TextListener {
  /** Text will follow; called only where that depends on more than the operation. */
  onBegin?(): void
  /** More text. */
  onText(text: string): void
  /** The text so far is void; the model starts over. */
  onReset(): void
}

/**
 * The language models of one provider.
 *
 * @example
 * const { answers, usage } = await model.ask(
 *   {
 *     model: 'llama3.2',
 *     system: ['You are a coach.'],
 *     messages: [{ role: 'user', content: 'Where do I begin?' }],
 *     maxTokens: 500,
 *     temperature: undefined,
 *     config: {},
 *   },
 *   { signal: AbortSignal.timeout(30_000), onDelta: (text) => process.stderr.write(text) },
 * )
 */
export interface LanguageModel {
  /**
   * Makes one attempt; retries and their time are the caller's.
   *
   * @returns only complete answers: one that the model stopped before its end is a failure.
   * @throws ModelFailure; the signal's reason once it has fired; whatever `onDelta` throws.
   */
  ask(request: ModelRequest, options: AskOptions): Promise<ModelReply>
}

/**
 * Why a model gave no usable reply.
 *
 * - `transient`: throttled, overloaded, a broken connection, a cut stream; another attempt may succeed
 * - `incomplete`: it stopped before the end of its answer: the limit of tokens, a filter, a guardrail
 * - `refused`: the request cannot succeed: an unknown model, missing access, a feature that the model lacks
 */
export type ModelFailureKind = 'transient' | 'incomplete' | 'refused'

export class ModelFailure extends Error {
  override readonly name = 'ModelFailure'
  readonly kind: ModelFailureKind
  /** The message with what only an operator may see: what to set or to allow. */
  readonly operatorMessage: string
  /** Tokens of the failed attempt, if reported: an answer that was stopped is paid for, too. */
  readonly usage: TokenCount | undefined
  /** Shortest wait before another attempt, if the provider named one. */
  readonly retryAfterMs: number | undefined
  /** Of an `incomplete` answer. */
  readonly stopReason: StopReason | undefined

  /** @param message a sentence for callers, without any content of prompts or answers. */
  constructor(
    kind: ModelFailureKind,
    message: string,
    extras: {
      operatorMessage?: string
      usage?: TokenCount
      retryAfterMs?: number
      stopReason?: StopReason
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: extras.cause })
    this.kind = kind
    this.operatorMessage = extras.operatorMessage ?? message
    this.usage = extras.usage
    this.retryAfterMs = extras.retryAfterMs
    this.stopReason = extras.stopReason
  }
}
