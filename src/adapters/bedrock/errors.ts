import { ModelFailure, type ModelRequest, type TokenCount } from '../../domain/language-model.ts'
import { awsFailure } from '../aws/failures.ts'

/** What is known of an error of the SDK. */
interface Told {
  name: string
  /** What Bedrock says, fit for a log: without anything of the prompt, and empty where it could be. */
  said: string
  status: number | undefined
  model: string
}

const THROTTLED = /^(Throttling|TooManyRequests|SlowDown)/i
const BUSY =
  /^(ServiceUnavailable|InternalServer|InternalFailure|ModelTimeout|ModelNotReady|ModelError|ModelStreamError|RequestTimeout|Conflict)/i
const CREDENTIALS =
  /^(ExpiredToken|RequestExpired|TokenRefreshRequired|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|CredentialsProviderError)/
/** Those that a stream may tell have no status. */
const REFUSED = /^(Validation|ResourceNotFound|ServiceQuotaExceeded)/i
const NO_REGION = /region is missing/i
const CLOCK = /RequestTimeTooSkewed|Signature (expired|not yet current)/
/** Other errors quote what they are about: a key, or an answer that cannot be read. */
const QUOTABLE =
  /^(Throttling|ServiceUnavailable|ModelNotReady|AccessDenied|Validation|ResourceNotFound|ServiceQuotaExceeded)/i

/** Whether Bedrock itself told of the failure, and not the connection. */
export const isToldByBedrock = (error: unknown) =>
  error instanceof Error && (isAwsError(error) || /(Exception|Failure)$/.test(error.name))

const isAwsError = (error: Error): error is Error & { $metadata: { httpStatusCode?: number } } =>
  '$metadata' in error || '$fault' in error

/**
 * What an error of the SDK means. Of the error itself only what is fit for a log stays, as the cause: its other members
 * hold the request, the answer and the headers.
 */
export function modelFailure(error: unknown, request: ModelRequest): ModelFailure {
  if (error instanceof ModelFailure) return error
  if (isTooLarge(error)) return tooLarge()
  const thrown = error instanceof Error ? error : new Error('unknown')
  const about = toldBy(thrown, request)
  const { kind, message, advice } = judge(thrown, about)
  const says = about.said ? `${about.name}: ${about.said}` : about.name
  return new ModelFailure(kind, message, {
    operatorMessage: `${whereOf(request.model)}${advice} (${says})`,
    cause: Object.assign(new Error(about.said), { name: about.name }),
  })
}

function toldBy(thrown: Error, request: ModelRequest): Told {
  // A code is what the system's own errors have: their messages tell of addresses only.
  const isQuotable = QUOTABLE.test(thrown.name) || typeof (thrown as NodeJS.ErrnoException).code === 'string'
  return {
    name: /^\w{1,80}$/.test(thrown.name) ? thrown.name : 'Error',
    said: isQuotable ? withoutQuotes(thrown.message, request) : '',
    status: isAwsError(thrown) ? thrown.$metadata?.httpStatusCode : undefined,
    model: request.model,
  }
}

function judge(
  { name, message }: Error,
  { status = 0, model }: Told,
): { kind: 'passing' | 'refused'; message: string; advice: string } {
  const passing = (text: string, advice: string) => ({ kind: 'passing' as const, message: text, advice })
  const refused = (text: string, advice: string) => ({ kind: 'refused' as const, message: text, advice })

  if (CLOCK.test(name) || CLOCK.test(message)) {
    // The SDK has learnt the right time from this very answer.
    return passing('The model is out of reach.', "this machine's clock is wrong. Set it.")
  }
  if (THROTTLED.test(name) || status === 429) {
    return passing(
      'The model is asked too much just now.',
      "the account's quota is used up; try again, or raise it.",
    )
  }
  if (BUSY.test(name) || status >= 500 || status === 408) {
    return passing('The model is out of order just now.', 'Bedrock or the model is in trouble; try again.')
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
  return passing('The model is out of reach.', 'no readable answer. Check the network and AWS_REGION.')
}

/** The same words as for any other part of AWS; what AWS says of credentials may hold some of them. */
function credentialsAdvice({ name, message }: Error, model: string): string {
  const shown = NO_REGION.test(message) ? message : ''
  const { operatorMessage } = awsFailure(
    { ...placeOf(model), setting: 'PROMPTS_LLM_MODEL' },
    { name, message: shown },
  )
  return operatorMessage.slice(whereOf(model).length)
}

const placeOf = (model: string) => ({ action: 'bedrock:InvokeModel', resource: model })

function whereOf(model: string): string {
  const { action, resource } = placeOf(model)
  return `${action} on ${resource}: `
}

/** What to do about a request that Bedrock does not take, by what it says. The first that applies counts. */
const ADVICE: [said: RegExp, operator: (model: string) => string, caller?: string][] = [
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

/** For callers, where they can do something about it, and for the operator. */
function adviceFor(name: string, said: string, model: string): { caller?: string; operator: string } {
  if (/^ServiceQuotaExceeded/.test(name))
    return { operator: "the account's quota is used up. Have it raised." }
  const [, operator, caller] = ADVICE.find(([pattern]) => pattern.test(said)) ?? []
  if (operator) return { operator: operator(model), ...(caller !== undefined && { caller }) }
  return {
    operator: /^ResourceNotFound/.test(name)
      ? 'it does not exist in this account and region, or is offered no more. Check config.default_model, PROMPTS_LLM_MODEL and AWS_REGION.'
      : "Bedrock does not take the request. Check the topic's config, and whether the model supports Converse with a forced tool.",
  }
}

/** No sentence of an error says that much of a prompt by chance. */
const QUOTE_LENGTH = 16
/** Shorter texts tell nothing. */
const SHORTEST = 4
const LONGEST = 500

/** What Bedrock says about a request, or nothing, if it repeats any of the request's texts. */
function withoutQuotes(said: string, { system, messages }: ModelRequest): string {
  const shown = said.slice(0, LONGEST)
  const texts = [...system, ...messages.map(({ content }) => content)]
  return texts.some((text) => isQuoted(shown, text)) ? '' : shown
}

function isQuoted(said: string, text: string): boolean {
  if (text.length < QUOTE_LENGTH) return text.length >= SHORTEST && said.includes(text)
  for (let start = 0; start + QUOTE_LENGTH <= said.length; start++) {
    if (text.includes(said.slice(start, start + QUOTE_LENGTH))) return true
  }
  return false
}

/** A whole answer. */
const GOOD = /^(end_turn|tool_use|stop_sequence)$/

/** Why an answer is not whole: for callers, and what an operator can do. */
const BAD: Record<string, [message: string, advice: string]> = {
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

/**
 * @param usage what the answer took.
 * @throws ModelFailure `incomplete` unless the model came to the end of its answer.
 */
export function requireWhole(stopReason: string | undefined, usage: TokenCount): void {
  if (stopReason !== undefined && GOOD.test(stopReason)) return
  const code = stopReason && /^[a-z_]{1,60}$/.test(stopReason) ? stopReason : 'unknown'
  const [message, advice] = BAD[code] ?? [
    'The model stopped before its answer was whole.',
    'it gave a reason that this program does not know.',
  ]
  throw new ModelFailure('incomplete', message, { operatorMessage: `${message} (${code}): ${advice}`, usage })
}

/** More than any answer needs; what is longer is cut off, so that no model can fill the memory. */
export const MAX_ANSWER_BYTES = 1024 * 1024

const TOO_LARGE = 'AnswerTooLargeError'

/**
 * Collects the body of an answer that is not streamed, for the SDK.
 *
 * @throws Error that {@link isTooLarge} knows; the connection is closed.
 */
export async function collectBounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw Object.assign(new Error('too large'), { name: TOO_LARGE })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const isTooLarge = (error: unknown) => error instanceof Error && error.name === TOO_LARGE

export function tooLarge(): ModelFailure {
  const limit = `${MAX_ANSWER_BYTES / 1024 / 1024} MiB`
  return new ModelFailure('incomplete', `The model's answer is larger than ${limit} and was cut off.`, {
    operatorMessage: `The model's answer is larger than ${limit} and was cut off: lower the topic's config.max_tokens.`,
  })
}
