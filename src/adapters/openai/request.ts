import type { AnswerFormat, ModelRequest } from '../../domain/language-model.ts'
import { FILTERED, type Refusal, TOO_LONG } from './errors.ts'

/** How a server is to be asked: those that call themselves OpenAI-compatible lack one feature or another. */
export interface Dialect {
  /** How a format is asked for: as JSON Schema of the answer, as a tool that must be called, or in the system text. */
  form: 'schema' | 'tool' | 'text'
  limit: 'max_tokens' | 'max_completion_tokens'
  /** Whether a stream is asked for its count of tokens. */
  usage: boolean
}

/** What is tried first. */
export const FIRST_DIALECT: Dialect = { form: 'schema', limit: 'max_tokens', usage: true }

/** The features that a request uses. */
export interface Features {
  hasFormat: boolean
  isStreaming: boolean
}

/** One feature given up, so that the server takes the request. */
interface Concession {
  /** Matches the errors with which servers refuse the feature. */
  pattern: RegExp
  applies(dialect: Dialect, features: Features): boolean
  concede(dialect: Dialect): Dialect
  /** Whether to try it also when the server does not say what it refuses. */
  isBlind: boolean
}

const CONCESSIONS: Concession[] = [
  {
    pattern: /max_completion_tokens/i,
    applies: ({ limit }) => limit === 'max_tokens',
    concede: (dialect) => ({ ...dialect, limit: 'max_completion_tokens' }),
    isBlind: false,
  },
  {
    pattern: /stream_options|include_usage/i,
    applies: ({ usage }, { isStreaming }) => usage && isStreaming,
    concede: (dialect) => ({ ...dialect, usage: false }),
    isBlind: false,
  },
  {
    pattern: /response.?format|json.?schema|structured|grammar|guided|requested parameters/i,
    applies: ({ form }, { hasFormat }) => form === 'schema' && hasFormat,
    concede: (dialect) => ({ ...dialect, form: 'tool' }),
    isBlind: true,
  },
  {
    pattern: /tool|function|requested parameters/i,
    applies: ({ form }, { hasFormat }) => form === 'tool' && hasFormat,
    concede: (dialect) => ({ ...dialect, form: 'text' }),
    isBlind: true,
  },
  {
    pattern: /(?!)/,
    applies: ({ usage }, { isStreaming }) => usage && isStreaming,
    concede: (dialect) => ({ ...dialect, usage: false }),
    isBlind: true,
  },
]

const BAD_REQUEST = [400, 422]
/** Statuses with which servers refuse a feature. Those beside a bad request count only if the body names it. */
const UNSUPPORTED = [...BAD_REQUEST, 404, 500, 501]
/** Errors that no concession avoids. */
const HOPELESS = new RegExp(`${TOO_LONG.source}|${FILTERED.source}|temperature|model_not_found`, 'i')

/**
 * The dialect to try after a refusal; `undefined` when none would help. Each step gives a feature up, so there are few.
 */
export function concede(
  dialect: Dialect,
  { status, body }: Refusal,
  features: Features,
): Dialect | undefined {
  if (!UNSUPPORTED.includes(status)) return undefined
  const possible = CONCESSIONS.filter(({ applies }) => applies(dialect, features))
  const named = possible.find((concession) => concession.pattern.test(body))
  if (named) return named.concede(dialect)
  if (!BAD_REQUEST.includes(status) || HOPELESS.test(body)) return undefined
  return possible.find(({ isBlind }) => isBlind)?.concede(dialect)
}

/**
 * The dialect to use after an answer. Some servers ignore the feature that they lack, so that the model was never told
 * the format: the system text tells it from then on.
 *
 * @param isCall whether the answer was a call of the tool.
 */
export function afterAnswer(
  dialect: Dialect,
  format: AnswerFormat | undefined,
  answer: { text: string | undefined; isCall: boolean },
): Dialect {
  if (!format || answer.text === undefined || dialect.form === 'text' || answer.isCall) return dialect
  const isFormatIgnored = dialect.form === 'tool' || !resembles(answer.text, format)
  return isFormatIgnored ? { ...dialect, form: 'text' } : dialect
}

/** Whether a text is a JSON object with the members that a format requires. */
function resembles(text: string, { schema }: AnswerFormat): boolean {
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return false
    return required.every((name) => typeof name === 'string' && Object.hasOwn(value, name))
  } catch {
    return false
  }
}
/** The body of a request for a chat completion. */
export function requestBody(request: ModelRequest, dialect: Dialect, isStreaming: boolean): string {
  const { model, temperature, maxTokens, format } = request
  return JSON.stringify({
    model,
    messages: messagesOf(request, dialect),
    [dialect.limit]: maxTokens,
    temperature,
    ...(format && formatFields(format, dialect)),
    ...(isStreaming && { stream: true }),
    ...(isStreaming && dialect.usage && { stream_options: { include_usage: true } }),
  })
}

/** With at most one system message: the chat templates of many models take no second one. */
function messagesOf({ system, messages, format }: ModelRequest, { form }: Dialect) {
  const texts = format && form === 'text' ? [...system, formatInstructions(format)] : system
  return texts.length === 0 ? messages : [{ role: 'system', content: texts.join('\n\n') }, ...messages]
}

function formatFields({ name, description, schema }: AnswerFormat, { form }: Dialect) {
  if (form === 'text') return {}
  if (form === 'tool') {
    // It is the only tool, so it must be called. Fewer servers understand a choice by name.
    return {
      tools: [{ type: 'function', function: { name, description, parameters: schema } }],
      tool_choice: 'required',
    }
  }
  // Strict schemas need keywords that an AnswerFormat does not have.
  return {
    response_format: { type: 'json_schema', json_schema: { name, description, schema, strict: false } },
  }
}

function formatInstructions({ name, description, schema }: AnswerFormat): string {
  return [
    `Your whole answer is one JSON object (${name}): no text before or after it, no Markdown.`,
    description,
    `It has this JSON Schema:\n${JSON.stringify(schema)}`,
  ].join('\n')
}
