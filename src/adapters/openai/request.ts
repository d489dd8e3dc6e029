import type { AnswerFormat, ModelRequest } from '../../domain/language-model.ts'
import { FILTERED, type Refusal, TOO_LONG } from './errors.ts'

/** Servers that call themselves OpenAI-compatible lack one thing or another. What may be asked of one in which way. */
export interface Dialect {
  /** How an answer of a format is asked for: as the answer's JSON Schema, as a tool that must be called, in words. */
  form: 'schema' | 'tool' | 'words'
  limit: 'max_tokens' | 'max_completion_tokens'
  /** Whether a stream is asked to tell its tokens. */
  usage: boolean
}

/** What is tried first. */
export const FIRST_DIALECT: Dialect = { form: 'schema', limit: 'max_tokens', usage: true }

/** What a request makes use of. */
export interface Asked {
  hasFormat: boolean
  isStreaming: boolean
}

interface Concession {
  /** Words with which servers refuse what is given up. */
  words: RegExp
  applies(dialect: Dialect, asked: Asked): boolean
  concede(dialect: Dialect): Dialect
  /** Whether to try it also with a server that does not say what it refuses. */
  isBlind: boolean
}

const CONCESSIONS: Concession[] = [
  {
    words: /max_completion_tokens/i,
    applies: ({ limit }) => limit === 'max_tokens',
    concede: (dialect) => ({ ...dialect, limit: 'max_completion_tokens' }),
    isBlind: false,
  },
  {
    words: /stream_options|include_usage/i,
    applies: ({ usage }, { isStreaming }) => usage && isStreaming,
    concede: (dialect) => ({ ...dialect, usage: false }),
    isBlind: false,
  },
  {
    words: /response.?format|json.?schema|structured|grammar|guided|requested parameters/i,
    applies: ({ form }, { hasFormat }) => form === 'schema' && hasFormat,
    concede: (dialect) => ({ ...dialect, form: 'tool' }),
    isBlind: true,
  },
  {
    words: /tool|function|requested parameters/i,
    applies: ({ form }, { hasFormat }) => form === 'tool' && hasFormat,
    concede: (dialect) => ({ ...dialect, form: 'words' }),
    isBlind: true,
  },
  {
    words: /(?!)/,
    applies: ({ usage }, { isStreaming }) => usage && isStreaming,
    concede: (dialect) => ({ ...dialect, usage: false }),
    isBlind: true,
  },
]

/** Statuses with which servers refuse what they lack; with the others only if their words say so, too. */
const BAD_REQUEST = [400, 422]
const LACKING = [...BAD_REQUEST, 404, 500, 501]

const HOPELESS = new RegExp(`${TOO_LONG.source}|${FILTERED.source}|temperature|model_not_found`, 'i')

/** What to try after a refusal; nothing when that would not help. Each step gives something up, so there are few. */
export function concede(dialect: Dialect, { status, words }: Refusal, asked: Asked): Dialect | undefined {
  if (!LACKING.includes(status)) return undefined
  const possible = CONCESSIONS.filter(({ applies }) => applies(dialect, asked))
  const named = possible.find((concession) => concession.words.test(words))
  if (named) return named.concede(dialect)
  if (!BAD_REQUEST.includes(status) || HOPELESS.test(words)) return undefined
  return possible.find(({ isBlind }) => isBlind)?.concede(dialect)
}

/**
 * Some servers ignore what they lack. Then nothing has told the model which answer is wanted: ask in words from now on.
 *
 * @param isCall whether the answer was a call of the tool.
 */
export function afterAnswer(
  dialect: Dialect,
  format: AnswerFormat | undefined,
  answer: { text: string | undefined; isCall: boolean },
): Dialect {
  if (!format || answer.text === undefined || dialect.form === 'words' || answer.isCall) return dialect
  const isIgnored = dialect.form === 'tool' || !resembles(answer.text, format)
  return isIgnored ? { ...dialect, form: 'words' } : dialect
}

/** Whether a text is an object with the members that a format requires. */
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
/** The body of a chat completion's request. */
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

/** One system message at most: the templates of many models take no second one. */
function messagesOf({ system, messages, format }: ModelRequest, { form }: Dialect) {
  const texts = format && form === 'words' ? [...system, inWords(format)] : system
  return texts.length === 0 ? messages : [{ role: 'system', content: texts.join('\n\n') }, ...messages]
}

function formatFields({ name, description, schema }: AnswerFormat, { form }: Dialect) {
  if (form === 'words') return {}
  if (form === 'tool') {
    // There is one tool only, so that it must be called; fewer servers understand a tool that is named.
    return {
      tools: [{ type: 'function', function: { name, description, parameters: schema } }],
      tool_choice: 'required',
    }
  }
  // Strict schemas need members that the formats of the port do not have.
  return {
    response_format: { type: 'json_schema', json_schema: { name, description, schema, strict: false } },
  }
}

function inWords({ name, description, schema }: AnswerFormat): string {
  return [
    `Your whole answer is one JSON object (${name}): no text before or after it, no Markdown.`,
    description,
    `It has this JSON Schema:\n${JSON.stringify(schema)}`,
  ].join('\n')
}
