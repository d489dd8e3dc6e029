import { ModelFailure, type TokenCount } from '../../domain/language-model.ts'

/** Refused for what no other dialect says differently. */
export const TOO_LONG = /context.?(length|size|window)|exceed_context/i
export const FILTERED = /content_filter/i

/** Largest answer in bytes of UTF-8. */
export const MAX_ANSWER_BYTES = 1024 * 1024

/** What a server said instead of an answer. Its words may quote the prompt: they never leave this adapter. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly words: string
  /** When to try again, if it said so. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, words: string, retryAfterMs?: number) {
    super(`status ${status}`)
    this.status = status
    this.words = words
    this.retryAfterMs = retryAfterMs
  }
}

/** The code of what came and cannot be read. */
export const UNREADABLE = 'unreadable'

/** The connection failed or what came over it cannot be read. */
export class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection'
  /** For example `ECONNREFUSED`, or {@link UNREADABLE}. */
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** Whom a failure is about, as far as an operator may learn it. */
export interface Place {
  /** The address without anything secret. */
  server: string
  model: string
  hasKey: boolean
}

/** @param hasBegun whether some of the answer had come. */
export function brokenFailure(
  { code }: BrokenConnection,
  { server }: Place,
  hasBegun: boolean,
): ModelFailure {
  if (hasBegun) return cutFailure(true)
  if (code === UNREADABLE) {
    const message = "The model's answer cannot be read."
    return new ModelFailure('passing', message, {
      operatorMessage: `${message} What ${server} sent is not JSON.`,
    })
  }
  const message = 'The model cannot be reached.'
  const operatorMessage = `The model at ${server} cannot be reached (${code}). Check PROMPTS_LLM_BASE_URL and that it is running.`
  return new ModelFailure('passing', message, { operatorMessage })
}

/** The answer ended before the model said that it was whole. */
export function cutFailure(hasBegun: boolean): ModelFailure {
  const message = hasBegun
    ? "The model's answer broke off before it was whole."
    : 'The connection to the model ended without an answer.'
  return new ModelFailure('passing', message)
}

export function tooLargeFailure(): ModelFailure {
  return new ModelFailure('incomplete', "The model's answer is larger than 1 MiB.")
}

export function declinedFailure(usage: TokenCount): ModelFailure {
  return new ModelFailure('incomplete', 'The model declined to answer.', { usage })
}

/**
 * @param reason why the model stopped, as it says, which is none of the good ones.
 * @param usage what that took; missing if nothing was written.
 */
export function stoppedFailure(reason: string, usage?: TokenCount): ModelFailure {
  const taken = usage && { usage }
  if (/^(length|max_tokens)$/i.test(reason)) {
    const message = 'The model reached its limit of tokens before its answer was whole.'
    const operatorMessage = `${message} Raise max_tokens in the topic's config.`
    return new ModelFailure('incomplete', message, { operatorMessage, ...taken })
  }
  if (/^(content_filter|safety)$/i.test(reason)) {
    return new ModelFailure('incomplete', "A content filter stopped the model's answer.", taken)
  }
  const message = 'The model stopped before its answer was whole.'
  const operatorMessage = `${message}${nameIn(reason, ' Its reason:')}`
  return new ModelFailure('incomplete', message, { operatorMessage, ...taken })
}

/** Something answers that is no model's server. */
export function foreignFailure({ server }: Place): ModelFailure {
  const message = 'The model does not answer in a known form.'
  const operatorMessage = `${message} What answers at ${server} is not OpenAI-compatible. Check PROMPTS_LLM_BASE_URL; it often ends in /v1.`
  return new ModelFailure('refused', message, { operatorMessage })
}

export function keyFailure(): ModelFailure {
  const message = 'The model refuses access.'
  const operatorMessage = `${message} PROMPTS_LLM_API_KEY holds characters that no key can have.`
  return new ModelFailure('refused', message, { operatorMessage })
}

/** What a server that answers with an error means. */
export function refusalFailure({ status, words, retryAfterMs }: Refusal, place: Place): ModelFailure {
  const { server, model, hasKey } = place
  const said = `${server} answered with status ${status}`
  const isSpent = /insufficient_quota/.test(words)
  if (status === 400 && FILTERED.test(words)) return stoppedFailure('content_filter')
  if (status === 401 || status === 403) {
    const advice = hasKey
      ? 'Check PROMPTS_LLM_API_KEY and what it may use.'
      : 'It may need a key: set PROMPTS_LLM_API_KEY.'
    return refused('The model refuses access.', `${said}. ${advice}`)
  }
  if (status === 402 || isSpent) {
    return refused('The model refuses access.', `${said}: the account has no credit left.`)
  }
  if (status === 429) return passing('The model is throttled.', `${said}: too many requests.`, retryAfterMs)
  if (status === 408 || status === 409 || status === 425 || (status >= 500 && status !== 501)) {
    return passing('The model is out of order for the moment.', `${said}.`, retryAfterMs)
  }
  if (status === 404 || status === 405 || status < 400) {
    const advice = `It does not know the model "${model}", or PROMPTS_LLM_BASE_URL is wrong; it often ends in /v1.`
    return refused('The model is not known.', `${said}. ${advice}`)
  }
  if (status === 413 || TOO_LONG.test(words)) {
    return refused('The request is longer than the model takes.', `${said}.`)
  }
  return refused('The model does not take the request.', `${said}.${reasonIn(words)}`)
}

function passing(message: string, detail: string, retryAfterMs: number | undefined): ModelFailure {
  const operatorMessage = `${message} ${detail}`
  return new ModelFailure('passing', message, {
    operatorMessage,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

function refused(message: string, detail: string): ModelFailure {
  return new ModelFailure('refused', message, { operatorMessage: `${message} ${detail}` })
}

/** Settings of a request that a server may object to and that a person can change. */
const SETTINGS = ['temperature', 'max_tokens', 'max_completion_tokens']

/** The little of a server's words that can be told, because it quotes nothing. */
function reasonIn(words: string): string {
  const named = SETTINGS.filter((name) => words.includes(name))
  const code = /"code"\s*:\s*"([^"]*)"/.exec(words)?.[1] ?? ''
  const objects = named.length > 0 ? ` It objects to ${named.join(' or ')}.` : ''
  return `${nameIn(code, ' Its code:')}${objects}`
}

/** A name as programs write it, and nothing else. */
function nameIn(text: string, label: string): string {
  return /^[a-z][a-z_]{0,39}$/i.test(text) ? `${label} ${text}.` : ''
}
