import { ModelFailure, type StopReason, type TokenCount } from '../../domain/language-model.ts'

/** Largest answer in bytes of UTF-8. */
export const MAX_ANSWER_BYTES = 1024 * 1024

/** An error that a server answered with. Its body may quote the prompt and never leaves this adapter. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly body: string
  /** Shortest wait before another attempt, if the server named one. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, body: string, retryAfterMs?: number) {
    super(`status ${status}`)
    this.status = status
    this.body = body
    this.retryAfterMs = retryAfterMs
  }
}

/** In a refusal's body: the prompt is too long, or was filtered. */
export const TOO_LONG = /context.?(length|size|window)|exceed_context/i
export const FILTERED = /content_filter/i
/** The server does not have the model. Not every server says so with a status of its own or a code. */
export const UNKNOWN_MODEL =
  /model_not_found|\bmodel\b[^\n]{0,200}?\b(?:not found|(?:does not|doesn't) exist)|\b(?:unknown|no such) model\b|no models? loaded/i
const LOADING = /loading model|model is (?:still )?loading/i

/** The code of {@link BrokenConnection} for an answer that is not JSON. */
export const UNREADABLE = 'unreadable'

/** The connection failed, or what it carried cannot be read. */
export class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection'
  /** For example `ECONNREFUSED`, or {@link UNREADABLE}. */
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** The failing server and model, as far as an operator may see them. */
export interface Endpoint {
  /** The URL without its query, which may hold a secret. */
  server: string
  model: string
  hasKey: boolean
}

/** @param hasBegun whether some of the answer had arrived. */
export function brokenFailure(
  { code }: BrokenConnection,
  { server }: Endpoint,
  hasBegun: boolean,
): ModelFailure {
  if (hasBegun) return cutFailure(true)
  if (code === UNREADABLE) {
    const message = "The model's answer cannot be read."
    return new ModelFailure('transient', message, {
      operatorMessage: `${message} What ${server} sent is not JSON.`,
    })
  }
  const message = 'The model cannot be reached.'
  const operatorMessage = `The model at ${server} cannot be reached (${code}). Check PROMPTS_LLM_BASE_URL and that it is running.`
  return new ModelFailure('transient', message, { operatorMessage })
}

/** The answer ended before the model said why it stopped. */
export function cutFailure(hasBegun: boolean): ModelFailure {
  const message = hasBegun
    ? "The model's answer broke off before it was whole."
    : 'The connection to the model ended without an answer.'
  return new ModelFailure('transient', message)
}

export function tooLargeFailure(): ModelFailure {
  return new ModelFailure('incomplete', "The model's answer is larger than 1 MiB.")
}

export function declinedFailure(usage: TokenCount): ModelFailure {
  return new ModelFailure('incomplete', 'The model declined to answer.', { usage, stopReason: 'filter' })
}

/** What is known of a stopped answer; default: nothing was written. */
interface Stopped {
  usage?: TokenCount
  /** The limit that was asked for. */
  maxTokens?: number
}

/** @param reason the model's reason to stop, other than the end of its answer. */
export function stoppedFailure(reason: string, { usage, maxTokens = 0 }: Stopped = {}): ModelFailure {
  const incomplete = (stopReason: StopReason, message: string, advice = '') =>
    new ModelFailure('incomplete', message, {
      operatorMessage: `${message}${advice}`,
      stopReason,
      ...(usage && { usage }),
    })
  if (/^(length|max_tokens)$/i.test(reason)) {
    const { inputTokens = 0, outputTokens = 0 } = usage ?? {}
    if (outputTokens > 0 && outputTokens < maxTokens) {
      const tokens = ` ${inputTokens} tokens of the prompt and ${outputTokens} of the answer, of ${maxTokens} allowed, fill it.`
      const advice = `${tokens} Start the server with a larger context, or shorten the prompt or its parameters.`
      return incomplete('context', "The model's context was full before its answer was whole.", advice)
    }
    const message = 'The model reached its limit of tokens before its answer was whole.'
    return incomplete('limit', message, " Raise max_tokens in the topic's config.")
  }
  if (/^(content_filter|safety)$/i.test(reason)) {
    return incomplete('filter', "A content filter stopped the model's answer.")
  }
  const message = 'The model stopped before its answer was whole.'
  return incomplete('other', message, labelled(' Its reason:', reason))
}

/** What answers is not a model's server. */
export function foreignFailure({ server }: Endpoint): ModelFailure {
  const message = 'The model does not answer in a known form.'
  const operatorMessage = `${message} What answers at ${server} is not OpenAI-compatible. Check PROMPTS_LLM_BASE_URL; it often ends in /v1.`
  return new ModelFailure('refused', message, { operatorMessage })
}

export function keyFailure(): ModelFailure {
  const message = 'The model refuses access.'
  const operatorMessage = `${message} PROMPTS_LLM_API_KEY holds characters that no key can have.`
  return new ModelFailure('refused', message, { operatorMessage })
}

/** Translates an error that a server answered with. */
export function refusalFailure({ status, body, retryAfterMs }: Refusal, endpoint: Endpoint): ModelFailure {
  const { server, model, hasKey } = endpoint
  const said = `${server} answered with status ${status}`
  const isSpent = /insufficient_quota/.test(body)
  if (status === 400 && FILTERED.test(body)) return stoppedFailure('content_filter')
  if (status === 401 || status === 403) {
    const advice = hasKey
      ? 'Check PROMPTS_LLM_API_KEY and what it may use.'
      : 'It may need a key: set PROMPTS_LLM_API_KEY.'
    return refused('The model refuses access.', `${said}. ${advice}`)
  }
  if (status === 402 || isSpent) {
    return refused('The model refuses access.', `${said}: the account has no credit left.`)
  }
  if (status === 429) return transient('The model is throttled.', `${said}: too many requests.`, retryAfterMs)
  if (status === 503 && LOADING.test(body)) {
    return transient('The model is still being loaded.', `${said}.`, retryAfterMs)
  }
  if (status === 408 || status === 409 || status === 425 || (status >= 500 && status !== 501)) {
    return transient('The model is out of order for the moment.', `${said}.`, retryAfterMs)
  }
  if (status === 404 || status === 405 || status < 400) {
    const advice = `It does not know the model "${model}", or PROMPTS_LLM_BASE_URL is wrong; it often ends in /v1.`
    return refused('The model is not known.', `${said}. ${advice}`)
  }
  if (UNKNOWN_MODEL.test(body)) {
    const advice = `It does not know the model "${model}". Check PROMPTS_LLM_MODEL and the models that the server has.`
    return refused('The model is not known.', `${said}. ${advice}`)
  }
  if (status === 413 || TOO_LONG.test(body)) {
    return refused('The request is longer than the model takes.', `${said}.`)
  }
  return refused('The model does not take the request.', `${said}.${safeDetails(body)}`)
}

function transient(message: string, detail: string, retryAfterMs: number | undefined): ModelFailure {
  const operatorMessage = `${message} ${detail}`
  return new ModelFailure('transient', message, {
    operatorMessage,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

function refused(message: string, detail: string): ModelFailure {
  return new ModelFailure('refused', message, { operatorMessage: `${message} ${detail}` })
}

/** Settings of a request that a server may refuse and an operator can change. */
const SETTINGS = ['temperature', 'max_tokens', 'max_completion_tokens']

/** The part of an error's body that quotes nothing: its code, and names of settings. */
function safeDetails(body: string): string {
  const named = SETTINGS.filter((name) => body.includes(name))
  const code = /"code"\s*:\s*"([^"]*)"/.exec(body)?.[1] ?? ''
  const objects = named.length > 0 ? ` It objects to ${named.join(' or ')}.` : ''
  return `${labelled(' Its code:', code)}${objects}`
}

/** Empty unless `text` is an identifier, which cannot quote a prompt. */
function labelled(label: string, text: string): string {
  return /^[a-z][a-z_]{0,39}$/i.test(text) ? `${label} ${text}.` : ''
}
