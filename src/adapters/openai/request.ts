import { type AnswerFormat, type ModelRequest, withoutLengths } from '../../domain/language-model.ts'
import { withoutByteOrderMark } from '../../util/json.ts'
import {
  LENGTHS_REFUSED,
  SYSTEM_REFUSED,
  TEMPERATURE_REFUSED,
  withSystemInFirstMessage,
} from '../models/refused-features.ts'
import { FILTERED, type Refusal, TOO_LONG, UNKNOWN_MODEL } from './errors.ts'

/** How a server is to be asked: those that call themselves OpenAI-compatible lack one feature or another. */
export interface Dialect {
  /** How a format is asked for: as JSON Schema of the answer, as a tool that must be called, or in the system text. */
  form: 'schema' | 'tool' | 'text'
  /** Whether schemas tell the length of texts. */
  lengths: boolean
  limit: 'max_tokens' | 'max_completion_tokens'
  /** Whether a stream is asked for its count of tokens. */
  usage: boolean
  temperature: boolean
  /** The role of system texts; `user` puts them at the head of the first message. */
  system: 'system' | 'developer' | 'user'
}

/** What is tried first. */
export const FIRST_DIALECT: Dialect = {
  form: 'schema',
  lengths: true,
  limit: 'max_tokens',
  usage: true,
  temperature: true,
  system: 'system',
}

/** The features that a request uses. */
export interface Features {
  hasFormat: boolean
  isStreaming: boolean
  hasTemperature: boolean
  hasSystem: boolean
}

export function featuresOf({ format, temperature, system }: ModelRequest, isStreaming: boolean): Features {
  return {
    hasFormat: format !== undefined,
    isStreaming,
    hasTemperature: temperature !== undefined,
    hasSystem: system.length > 0,
  }
}

/** One feature given up, so that the server takes the request. */
interface Concession {
  /** What is given up and what replaces it, for the log. */
  name: string
  /** Matches the errors with which servers refuse the feature. */
  pattern: RegExp
  applies(dialect: Dialect, features: Features): boolean
  concede(dialect: Dialect): Dialect
  /** Whether to try it also when the server does not say what it refuses. */
  isBlind: boolean
}

const hasSystemText = ({ form }: Dialect, { hasSystem, hasFormat }: Features) =>
  hasSystem || (hasFormat && form === 'text')

const NO_USAGE: Omit<Concession, 'pattern' | 'isBlind'> = {
  name: 'stream_options; tokens of streams are not counted',
  applies: ({ usage }, { isStreaming }) => usage && isStreaming,
  concede: (dialect) => ({ ...dialect, usage: false }),
}

const CONCESSIONS: Concession[] = [
  {
    name: 'max_tokens; max_completion_tokens is sent',
    pattern: /max_completion_tokens/i,
    applies: ({ limit }) => limit === 'max_tokens',
    concede: (dialect) => ({ ...dialect, limit: 'max_completion_tokens' }),
    isBlind: false,
  },
  { ...NO_USAGE, pattern: /stream_options|include_usage/i, isBlind: false },
  {
    name: 'temperature; it is left out',
    pattern: TEMPERATURE_REFUSED,
    applies: ({ temperature }, { hasTemperature }) => temperature && hasTemperature,
    concede: (dialect) => ({ ...dialect, temperature: false }),
    isBlind: false,
  },
  {
    name: 'the role system; system texts have the role developer',
    pattern: new RegExp(`(?=[^]*\\bdeveloper\\b)[^]*?(?:${SYSTEM_REFUSED.source})`, 'i'),
    applies: (dialect, features) => dialect.system === 'system' && hasSystemText(dialect, features),
    concede: (dialect) => ({ ...dialect, system: 'developer' }),
    isBlind: false,
  },
  {
    name: 'system texts; they stand in the first message',
    pattern: SYSTEM_REFUSED,
    applies: (dialect, features) => dialect.system !== 'user' && hasSystemText(dialect, features),
    concede: (dialect) => ({ ...dialect, system: 'user' }),
    isBlind: false,
  },
  {
    name: 'minLength in a schema; it is left out',
    pattern: LENGTHS_REFUSED,
    applies: ({ form, lengths }, { hasFormat }) => lengths && hasFormat && form !== 'text',
    concede: (dialect) => ({ ...dialect, lengths: false }),
    isBlind: false,
  },
  {
    name: 'a JSON Schema of the answer; a tool has it',
    pattern: /response.?format|json.?schema|structured|grammar|guided|requested parameters/i,
    applies: ({ form }, { hasFormat }) => form === 'schema' && hasFormat,
    concede: (dialect) => ({ ...dialect, form: 'tool' }),
    isBlind: true,
  },
  {
    name: 'a tool; the form of the answer is told in words',
    pattern: /tool|function|requested parameters/i,
    applies: ({ form }, { hasFormat }) => form === 'tool' && hasFormat,
    concede: (dialect) => ({ ...dialect, form: 'text' }),
    isBlind: true,
  },
  { ...NO_USAGE, pattern: /(?!)/, isBlind: true },
]

const BAD_REQUEST = [400, 422]
/** Statuses with which servers refuse a feature. Those beside a bad request count only if the body names it. */
const UNSUPPORTED = [...BAD_REQUEST, 404, 500, 501]
/** Errors that no concession avoids, unless the body names a feature, too. */
const HOPELESS = new RegExp(`${TOO_LONG.source}|${FILTERED.source}|temperature`, 'i')

/**
 * The dialect to try after a refusal, and what it gives up; `undefined` when none would help. Each step gives a feature
 * up, so there are few.
 */
export function concede(
  dialect: Dialect,
  { status, body }: Refusal,
  features: Features,
): { dialect: Dialect; givenUp: string } | undefined {
  if (!UNSUPPORTED.includes(status) || UNKNOWN_MODEL.test(body)) return undefined
  const possible = CONCESSIONS.filter(({ applies }) => applies(dialect, features))
  const named = possible.find((concession) => concession.pattern.test(body))
  const isHopeless = !BAD_REQUEST.includes(status) || HOPELESS.test(body)
  const concession = named ?? (isHopeless ? undefined : possible.find(({ isBlind }) => isBlind))
  return concession && { dialect: concession.concede(dialect), givenUp: concession.name }
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
    const value: unknown = JSON.parse(withoutByteOrderMark(text))
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
    ...(dialect.temperature && { temperature }),
    ...(format && formatFields(format, dialect)),
    ...(isStreaming && { stream: true }),
    ...(isStreaming && dialect.usage && { stream_options: { include_usage: true } }),
  })
}

/** With at most one system message: the chat templates of many models take no second one. */
function messagesOf({ system, messages, format }: ModelRequest, dialect: Dialect) {
  const texts = format && dialect.form === 'text' ? [...system, formatInstructions(format)] : system
  if (texts.length === 0) return messages
  if (dialect.system === 'user') return withSystemInFirstMessage(texts, messages)
  return [{ role: dialect.system, content: texts.join('\n\n') }, ...messages]
}

function formatFields(format: AnswerFormat, { form, lengths }: Dialect) {
  if (form === 'text') return {}
  const { name, description, schema } = lengths ? format : withoutLengths(format)
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
