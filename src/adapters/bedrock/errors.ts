import {
  ModelFailure,
  type ModelFailureKind,
  type ModelRequest,
  type StopReason,
  type TokenCount,
} from '../../domain/language-model.ts'
import { awsFailure } from '../aws/failures.ts'

/** Largest answer in bytes. A longer one is cut off, so that no model can fill the memory. */
export const MAX_ANSWER_BYTES = 1024 * 1024

/** An error of the SDK, without what a log must not hold. */
interface SafeError {
  name: string
  /** What Bedrock says; empty where that may quote the prompt or a credential. */
  message: string
  status: number | undefined
}

const THROTTLED = /^(Throttling|TooManyRequests|SlowDown)/i
const UNAVAILABLE =
  /^(ServiceUnavailable|InternalServer|InternalFailure|ModelTimeout|ModelNotReady|ModelError|ModelStreamError|RequestTimeout|Conflict)/i
const CREDENTIALS =
  /^(ExpiredToken|RequestExpired|TokenRefreshRequired|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|CredentialsProviderError)/
/** In a stream these come without a status. */
const REFUSED = /^(Validation|ResourceNotFound|ServiceQuotaExceeded)/i
const NO_REGION = /region is missing/i
const CLOCK = /RequestTimeTooSkewed|Signature (expired|not yet current)/
/** Messages of all other errors quote their subject: a key, or an answer that cannot be read. */
const LOGGABLE =
  /^(Throttling|ServiceUnavailable|ModelNotReady|AccessDenied|Validation|ResourceNotFound|ServiceQuotaExceeded)/i

/** Whether Bedrock itself reported the error; otherwise the connection failed. */
export const isBedrockError = (error: unknown) =>
  error instanceof Error && (isAwsError(error) || /(Exception|Failure)$/.test(error.name))

const isAwsError = (error: Error): error is Error & { $metadata: { httpStatusCode?: number } } =>
  '$metadata' in error || '$fault' in error

/**
 * Translates an error of the SDK. Only its name and message are kept, as the cause, and only where a log may hold them:
 * the other members hold the request, the answer and the headers.
 */
export function modelFailure(error: unknown, request: ModelRequest): ModelFailure {
  if (error instanceof ModelFailure) return error
  const thrown = error instanceof Error ? error : new Error('unknown')
  if (thrown.name === ANSWER_TOO_LARGE) return answerTooLarge()
  const safe = safeError(thrown, request)
  const { kind, message, advice } = classify(thrown, safe.status ?? 0, request.model)
  const details = safe.message ? `${safe.name}: ${safe.message}` : safe.name
  return new ModelFailure(kind, message, {
    operatorMessage: `${subjectOf(request.model)}${advice} (${details})`,
    cause: Object.assign(new Error(safe.message), { name: safe.name }),
  })
}

function safeError(thrown: Error, request: ModelRequest): SafeError {
  // Errors with a code are the operating system's: their messages hold addresses only.
  const isLoggable = LOGGABLE.test(thrown.name) || typeof (thrown as NodeJS.ErrnoException).code === 'string'
  return {
    name: /^\w{1,80}$/.test(thrown.name) ? thrown.name : 'Error',
    message: isLoggable ? redactEchoes(thrown.message, request) : '',
    status: isAwsError(thrown) ? thrown.$metadata?.httpStatusCode : undefined,
  }
}

interface Classified {
  kind: ModelFailureKind
  message: string
  /** For the operator. */
  advice: string
}

const transient = (message: string, advice: string): Classified => ({ kind: 'transient', message, advice })
const refused = (message: string, advice: string): Classified => ({ kind: 'refused', message, advice })

function classify({ name, message }: Error, status: number, model: string): Classified {
  if (CLOCK.test(name) || CLOCK.test(message)) {
    // The SDK has learnt the right time from this very answer.
    return transient('The model is out of reach.', "this machine's clock is wrong. Set it.")
  }
  if (THROTTLED.test(name) || status === 429) {
    return transient(
      'The model is asked too much just now.',
      "the account's quota is used up; try again, or raise it.",
    )
  }
  if (UNAVAILABLE.test(name) || status >= 500 || status === 408) {
    return transient('The model is out of order just now.', 'Bedrock or the model is in trouble; try again.')
  }
  if (CREDENTIALS.test(name) || NO_REGION.test(message)) {
    return refused('The model cannot be used as it is set up.', credentialsAdvice({ name, message }, model))
  }
  if (/^AccessDenied/.test(name) || status === 403) {
    return refused(
      'The model cannot be used as it is set up.',
      'not permitted. Allow bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on the model, and on the inference profile if it is asked through one, in the IAM policy (bedrock:ApplyGuardrail for a guardrail); and see under "Model access" in the Bedrock console whether this account may use it.',
    )
  }
  if (status >= 400 || REFUSED.test(name)) {
    const { caller = 'The model does not take the request.', operator } = adviceFor(name, message, model)
    return refused(caller, operator)
  }
  return transient('The model is out of reach.', 'no readable answer. Check the network and AWS_REGION.')
}

/** As for every other part of AWS. What AWS says about credentials is left out: it may quote them. */
function credentialsAdvice({ name, message }: Error, model: string): string {
  const shown = NO_REGION.test(message) ? message : ''
  const call = { ...callOf(model), setting: 'PROMPTS_LLM_MODEL' }
  const { operatorMessage } = awsFailure(call, { name, message: shown })
  return operatorMessage.slice(subjectOf(model).length)
}

const callOf = (model: string) => ({ action: 'bedrock:InvokeModel', resource: model })

/** How a message for the operator begins. */
function subjectOf(model: string): string {
  const { action, resource } = callOf(model)
  return `${action} on ${resource}: `
}

/** What to do about a refused request, by Bedrock's message. The first match counts. */
const ADVICE: [pattern: RegExp, operator: (model: string) => string, caller?: string][] = [
  [
    /on-demand throughput/i,
    (model) =>
      `this model is only offered through an inference profile. Set config.default_model of the topic, or PROMPTS_LLM_MODEL, to the profile's id, for example us.${model}, or to its ARN.`,
  ],
  [
    /model identifier is invalid|invalid model id|could not resolve the foundation model/i,
    () =>
      'there is no such model in this region. Check config.default_model, PROMPTS_LLM_MODEL and AWS_REGION.',
  ],
  [
    /guardrail/i,
    () =>
      'the guardrail cannot be used. Check guardrail_id and guardrail_version in config.guardrail; it must be of the same region.',
  ],
  [
    /too long|too many (input )?tokens|context (window|length)/i,
    () =>
      'the prompt is too long. Shorten it or its parameters, or choose a model with a larger context window.',
    'The prompt is too long for the model.',
  ],
  [
    /max_?tokens|maximum tokens/i,
    () => "the model writes no answers of that length. Lower the topic's config.max_tokens.",
  ],
  [
    /tool/i,
    () =>
      'the model cannot be made to answer in a given form. Choose one that supports tool use with a forced tool, such as those of Anthropic and Amazon Nova.',
  ],
  [/temperature/i, () => "change the topic's config.temperature, or leave it out."],
  [/system (message|prompt|instruction)/i, () => 'the model knows no system texts. Choose another.'],
  [/streaming/i, () => 'the model cannot stream. Choose another, or ask without streaming.'],
]

/** @returns advice for the operator, and a message for callers where they can do something about it. */
function adviceFor(name: string, message: string, model: string): { caller?: string; operator: string } {
  if (/^ServiceQuotaExceeded/.test(name))
    return { operator: "the account's quota is used up. Have it raised." }
  const [, operator, caller] = ADVICE.find(([pattern]) => pattern.test(message)) ?? []
  if (operator) return { operator: operator(model), ...(caller !== undefined && { caller }) }
  return {
    operator: /^ResourceNotFound/.test(name)
      ? 'it does not exist in this account and region, or is offered no more. Check config.default_model, PROMPTS_LLM_MODEL and AWS_REGION.'
      : "Bedrock does not take the request. Check the topic's config, and whether the model supports Converse with a forced tool.",
  }
}

/** Characters in a row that an error message shares with a prompt only by quoting it. */
const QUOTE_LENGTH = 16
/** A prompt's text of fewer characters gives nothing away. */
const MIN_SECRET_LENGTH = 4
const MAX_MESSAGE_LENGTH = 500

/** The start of an error message; empty if that repeats any of the request's texts. */
function redactEchoes(message: string, { system, messages }: ModelRequest): string {
  const start = message.slice(0, MAX_MESSAGE_LENGTH)
  const texts = [...system, ...messages.map(({ content }) => content)]
  return texts.some((text) => quotes(start, text)) ? '' : start
}

function quotes(message: string, text: string): boolean {
  if (text.length < QUOTE_LENGTH) return text.length >= MIN_SECRET_LENGTH && message.includes(text)
  for (let start = 0; start + QUOTE_LENGTH <= message.length; start++) {
    if (text.includes(message.slice(start, start + QUOTE_LENGTH))) return true
  }
  return false
}

/** Stop reasons of a complete answer. */
const COMPLETE = /^(end_turn|tool_use|stop_sequence)$/

/** Stop reasons of an incomplete one: the message for callers, and the operator's advice. */
const INCOMPLETE: Record<string, [message: string, advice: string]> = {
  max_tokens: [
    'The answer is longer than the model may write.',
    "raise the topic's config.max_tokens, or ask for less.",
  ],
  model_context_window_exceeded: [
    'The prompt and its answer are too long for the model.',
    'shorten the prompt or its parameters, or choose a model with a larger context window.',
  ],
  content_filtered: [
    "The model's content filter stopped the answer.",
    'change what the prompt asks for, or choose another model.',
  ],
  guardrail_intervened: [
    'A guardrail stopped the answer.',
    "look up in the guardrail's trace what it found, and change the prompt or the guardrail (config.guardrail).",
  ],
  malformed_model_output: [
    'The model wrote something that cannot be read.',
    "try again, lower the topic's config.temperature, or choose another model.",
  ],
  malformed_tool_use: [
    'The model did not write its answer in the form that it was asked for.',
    "try again, lower the topic's config.temperature, or choose another model.",
  ],
}

const STOP_REASONS: Record<string, StopReason> = {
  max_tokens: 'limit',
  model_context_window_exceeded: 'context',
  content_filtered: 'filter',
  guardrail_intervened: 'filter',
}

/**
 * @param usage the tokens of the answer.
 * @throws ModelFailure `incomplete` unless the model came to the end of its answer.
 */
export function requireComplete(stopReason: string | undefined, usage: TokenCount): void {
  if (stopReason !== undefined && COMPLETE.test(stopReason)) return
  const code = stopReason && /^[a-z_]{1,60}$/.test(stopReason) ? stopReason : 'unknown'
  const [message, advice] = INCOMPLETE[code] ?? [
    'The model stopped before its answer was whole.',
    'it gave a reason that this program does not know.',
  ]
  throw new ModelFailure('incomplete', message, {
    operatorMessage: `${message} (${code}): ${advice}`,
    stopReason: STOP_REASONS[code] ?? 'other',
    usage,
  })
}

const ANSWER_TOO_LARGE = 'AnswerTooLargeError'

/**
 * Collects the body of an answer that is not streamed, in place of the SDK's own collector, which has no limit.
 *
 * @throws Error that {@link modelFailure} translates; the connection is closed.
 */
export async function collectBounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw Object.assign(new Error('too large'), { name: ANSWER_TOO_LARGE })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function answerTooLarge(): ModelFailure {
  const limit = `${MAX_ANSWER_BYTES / 1024 / 1024} MiB`
  return new ModelFailure('incomplete', `The model's answer is larger than ${limit} and was cut off.`, {
    operatorMessage: `The model's answer is larger than ${limit} and was cut off: lower the topic's config.max_tokens.`,
  })
}
