import type { ModelUse } from './language-model.ts'

/**
 * Every way a request can fail on purpose. The code is the contract; the message is
 * for people. `http`: status of the answer. `jsonrpc`: code of a JSON-RPC error (MCP prompts and resources).
 * `exit`: exit code of the command line.
 */
export const ERROR_CODES = {
  invalid_input: { http: 400, jsonrpc: -32602, exit: 2, title: 'Invalid input' },
  unauthenticated: { http: 401, jsonrpc: -32602, exit: 3, title: 'Unauthenticated' },
  forbidden: { http: 403, jsonrpc: -32602, exit: 3, title: 'Forbidden' },
  not_found: { http: 404, jsonrpc: -32602, exit: 4, title: 'Not found' },
  method_not_allowed: { http: 405, jsonrpc: -32601, exit: 1, title: 'Method not allowed' },
  conflict: { http: 409, jsonrpc: -32602, exit: 5, title: 'Conflict' },
  too_large: { http: 413, jsonrpc: -32602, exit: 1, title: 'Too large' },
  rate_limited: { http: 429, jsonrpc: -32603, exit: 1, title: 'Too many requests' },
  model_error: { http: 502, jsonrpc: -32603, exit: 1, title: 'The model failed' },
  model_not_configured: { http: 503, jsonrpc: -32603, exit: 1, title: 'No model is set up' },
  unavailable: { http: 503, jsonrpc: -32603, exit: 1, title: 'Unavailable' },
  internal: { http: 500, jsonrpc: -32603, exit: 1, title: 'Internal error' },
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** One faulty field. `path` is dotted and relative to the operation's input. Line and column count from 1. */
export interface FieldError {
  path: string
  expected: string
  message: string
  line?: number
  column?: number
}

/** The text that won, for a caller that edited an older one. */
export interface CurrentPrompt {
  revision: number
  content: string
  updated_by: string
  updated_at: string
}

/** The turn that is being answered, for a caller that sent another message meanwhile. */
export interface CurrentTurn {
  turn: number
  started_at: string
}

/** What an error may carry besides its code and its sentence. */
export interface ErrorExtras {
  /** Every faulty field, never just the first. */
  errors?: FieldError[]
  /** Seconds until another attempt makes sense. */
  retryAfter?: number
  /** What an edit that came too late, or a message that came too early, did not know of. */
  current?: CurrentPrompt | CurrentTurn
  /** What a model was used for until the failure. */
  modelUse?: ModelUse
  /** The same for the operator, with what callers must not learn: paths, settings. */
  operatorMessage?: string
  cause?: unknown
}

/** A failure on purpose. Anything else that is thrown is a defect and becomes `internal`. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly errors: FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly current: CurrentPrompt | CurrentTurn | undefined
  readonly modelUse: ModelUse | undefined
  readonly operatorMessage: string
  /** True once the pipeline has written its audit line, so that no transport writes a second one. */
  isAudited = false

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, { cause: extras.cause })
    this.code = code
    this.errors = extras.errors
    this.retryAfter = extras.retryAfter
    this.current = extras.current
    this.modelUse = extras.modelUse
    this.operatorMessage = extras.operatorMessage ?? message
  }
}

/** Faults that one answer and one log line tell: more than any honest input has. */
export const MAX_FIELD_ERRORS = 100

/** `invalid_input` that names every fault at once. */
export function invalidInput(errors: FieldError[]): AppError {
  return new AppError('invalid_input', summary(errors), { errors })
}

/** `not_found` for a topic, or for one of its prompts. */
export function notFound(topic_id: string, prompt_type?: string): AppError {
  const what = prompt_type === undefined ? 'topic' : `prompt "${prompt_type}" of topic`
  return new AppError('not_found', `There is no ${what} "${topic_id}".`)
}

function summary(errors: FieldError[]): string {
  const [first] = errors
  if (!first) return 'The input is not valid.'
  const paths = [...new Set(errors.map((fault) => fault.path))]
  return errors.length === 1
    ? `${first.path ? `${first.path}: ` : ''}${first.message}`
    : `${paths.length === 1 ? 'One field is' : `${paths.length} fields are`} not valid: ${listed(paths)}.`
}

/** Faulty fields that a sentence names. */
const MAX_NAMED = 20

function listed(paths: string[]): string {
  const more = paths.length - MAX_NAMED
  return more > 0 ? `${paths.slice(0, MAX_NAMED).join(', ')} and ${more} more` : paths.join(', ')
}

/** An RFC 9457 problem document. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  errors?: FieldError[]
  current?: CurrentPrompt | CurrentTurn
}

/** Turns whatever was thrown into the error that a caller may see. A defect's own message stays inside. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  return new AppError('internal', 'Something went wrong on our side; the server log says more.', {
    cause: thrown,
  })
}

/** The problem document of an error (RFC 9457). */
export function problemOf(error: AppError): Problem {
  const { http, title } = ERROR_CODES[error.code]
  return {
    type: `urn:purposepath-prompts:problem:${error.code}`,
    title,
    status: http,
    detail: error.message,
    code: error.code,
    ...(error.errors && { errors: error.errors }),
    ...(error.current && { current: error.current }),
  }
}
