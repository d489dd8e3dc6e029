/** One message to a model. */
export interface ModelMessage {
  role: 'user' | 'assistant'
  content: string
}

/** The structured answer that a model must give: a JSON object of this schema. */
export interface AnswerFormat {
  name: string
  description: string
  /** JSON Schema, of nothing but `type`, `properties`, `required`, `items`, `enum` and `description`: more is refused by some models. */
  schema: Record<string, unknown>
}

export interface ModelRequest {
  /** As the provider knows it, for example a model id, an inference profile or an ARN. */
  model: string
  /** System texts, in order; often one, or none. */
  system: readonly string[]
  /** The first and the last one are of the user; roles alternate. */
  messages: readonly ModelMessage[]
  maxTokens: number
  temperature: number | undefined
  /** The topic's `config`: settings that only one provider knows, such as a guardrail, are taken from here. */
  config: Readonly<Record<string, unknown>>
  /** Missing when text is wanted. */
  format?: AnswerFormat
}

export interface ModelReply {
  /**
   * What the model said: the text, or with a format the JSON of its answer, unchecked. Several if it gave several
   * answers, none if it gave none.
   */
  answers: readonly string[]
  usage: TokenCount
}

export interface TokenCount {
  inputTokens: number
  outputTokens: number
}

/** What a model was asked and what that took: for answers, the audit log and metrics. Never any content. */
export interface ModelUse {
  model: string
  input_tokens: number
  output_tokens: number
  /** How often the model was asked. */
  attempts: number
}

export interface AskOptions {
  /** Ends the call at the provider, too. */
  signal: AbortSignal
  /**
   * Is given what the model says while it says it: text, or with a format pieces of the JSON of its first answer. With
   * it the provider is asked to stream.
   */
  onDelta?: ((delta: string) => void) | undefined
}

/** Receives a model's text while it is generated. */
export interface TextListener {
  /** More text. */
  onText(text: string): void
  /** The text so far is void: the model starts over. */
  onReset(): void
}

/** Asks language models. Makes one attempt: patience is the caller's. */
export interface LanguageModel {
  /** @throws ModelFailure; whatever the signal was aborted with. */
  ask(request: ModelRequest, options: AskOptions): Promise<ModelReply>
}

/**
 * Why a model gave no usable reply.
 *
 * - `passing`: throttled, overloaded, a broken connection, a cut stream; another attempt may well succeed
 * - `incomplete`: it stopped before its answer was whole: the limit of tokens, a filter, a guardrail
 * - `refused`: the request itself: an unknown model, missing access, what the model cannot do
 */
export type ModelFailureKind = 'passing' | 'incomplete' | 'refused'

export class ModelFailure extends Error {
  override readonly name = 'ModelFailure'
  readonly kind: ModelFailureKind
  /** The same with what only whoever runs the program may learn: what to set or to allow. */
  readonly operatorMessage: string
  /** What the failed attempt took, if the model said so: an answer that was stopped is paid for, too. */
  readonly usage: TokenCount | undefined
  /** When another attempt makes sense, if the model said so. */
  readonly retryAfterMs: number | undefined

  /** @param message a sentence for callers, without any content of prompts or answers. */
  constructor(
    kind: ModelFailureKind,
    message: string,
    extras: { operatorMessage?: string; usage?: TokenCount; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: extras.cause })
    this.kind = kind
    this.operatorMessage = extras.operatorMessage ?? message
    this.usage = extras.usage
    this.retryAfterMs = extras.retryAfterMs
  }
}
