import * as z from 'zod'
import { BrokenConnection, Refusal, UNREADABLE } from './errors.ts'

const CallSchema = z.object({
  index: z.number().nullish(),
  id: z.string().nullish(),
  function: z.object({ arguments: z.unknown().optional() }).nullish(),
})

const MessageSchema = z.object({
  content: z.unknown().optional(),
  /** What the model thinks, as various servers call it. */
  reasoning_content: z.unknown().optional(),
  reasoning: z.unknown().optional(),
  refusal: z.string().nullish(),
  tool_calls: z.array(CallSchema).nullish(),
})

const ChoiceSchema = z.object({
  index: z.number().nullish(),
  /** In a stream. */
  delta: MessageSchema.nullish(),
  /** In a whole answer. */
  message: MessageSchema.nullish(),
  finish_reason: z.string().nullish(),
})

const CountSchema = z.int().nonnegative().catch(0)
const UsageSchema = z.object({ prompt_tokens: CountSchema, completion_tokens: CountSchema })

/** The common members of a chat completion and a chunk of its stream. */
const ChunkSchema = z.object({
  choices: z.array(ChoiceSchema).nullish(),
  usage: UsageSchema.nullish().catch(undefined),
  error: z.unknown().optional(),
  object: z.unknown().optional(),
  code: z.unknown().optional(),
})

export interface Chunk {
  content: string
  /** Whether it holds some of what the model thinks. */
  hasReasoning: boolean
  calls: { index: number | undefined; id: string | undefined; piece: string }[]
  isDeclined: boolean
  stopReason: string | undefined
  usage: { inputTokens: number; outputTokens: number } | undefined
}

/**
 * Parses one JSON text of an answer.
 *
 * @returns `undefined` if it is something else.
 * @throws BrokenConnection if it is not JSON; Refusal if it reports an error.
 */
export function parseChunk(text: string): Chunk | undefined {
  const value = parse(text)
  const { data } = ChunkSchema.safeParse(value)
  if (!data) return undefined
  if (data.error != null || data.object === 'error') throw new Refusal(statusIn(data), text)
  if (!data.choices && !data.usage) return undefined
  const choice = data.choices?.find(({ index }) => (index ?? 0) === 0)
  const message = choice?.delta ?? choice?.message
  return {
    content: textOf(message?.content),
    hasReasoning: [message?.reasoning_content, message?.reasoning].some(isFilled),
    calls: (message?.tool_calls ?? []).map(({ index, id, function: called }, at) => ({
      // In a whole answer each entry is a call.
      index: index ?? (choice?.delta ? undefined : at),
      id: id || undefined,
      piece: argumentsOf(called?.arguments),
    })),
    isDeclined: Boolean(message?.refusal),
    stopReason: choice?.finish_reason || undefined,
    usage: data.usage
      ? { inputTokens: data.usage.prompt_tokens, outputTokens: data.usage.completion_tokens }
      : undefined,
  }
}

const isFilled = (value: unknown) => typeof value === 'string' && value.trim() !== ''

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text.
    throw new BrokenConnection(UNREADABLE)
  }
}

/** Some servers send content as parts, which include the model's reasoning; only text is the answer. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const texts = content.map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : ''))
  return texts.join('')
}

/** Arguments are JSON text, but some servers send the object itself. */
function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value == null ? '' : JSON.stringify(value)
}

/** The HTTP status that an error inside an answer stands for; default that of a transient one. */
function statusIn({ error, code }: z.infer<typeof ChunkSchema>): number {
  const details = { code, ...(typeof error === 'object' ? error : {}) } as Record<string, unknown>
  for (const value of [details['code'], details['status'], details['status_code'], code]) {
    const status = Number(value)
    if (status >= 400 && status < 600) return status
  }
  return /invalid_request/.test(`${details['type']}`) ? 400 : 500
}
