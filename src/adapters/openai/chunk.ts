import * as z from 'zod'
import { BrokenConnection, Refusal, UNREADABLE } from './failures.ts'

const Call = z.object({
  index: z.number().nullish(),
  id: z.string().nullish(),
  function: z.object({ arguments: z.unknown().optional() }).nullish(),
})

const Said = z.object({
  content: z.unknown().optional(),
  refusal: z.string().nullish(),
  tool_calls: z.array(Call).nullish(),
})

const Choice = z.object({
  index: z.number().nullish(),
  /** In a stream. */
  delta: Said.nullish(),
  /** In a whole answer. */
  message: Said.nullish(),
  finish_reason: z.string().nullish(),
})

const Count = z.int().nonnegative().catch(0)
const Usage = z.object({ prompt_tokens: Count, completion_tokens: Count })

/** A chat completion or one chunk of its stream, in what they have in common. */
const Chunk = z.object({
  choices: z.array(Choice).nullish(),
  usage: Usage.nullish().catch(undefined),
  error: z.unknown().optional(),
  object: z.unknown().optional(),
  code: z.unknown().optional(),
})

export interface Chunk {
  content: string
  calls: { index: number | undefined; id: string | undefined; piece: string }[]
  isDeclined: boolean
  finish: string | undefined
  usage: { inputTokens: number; outputTokens: number } | undefined
}

/**
 * Reads one JSON text of an answer.
 *
 * @returns `undefined` if it is of another kind.
 * @throws BrokenConnection if it is no JSON; Refusal if it tells of an error.
 */
export function readChunk(text: string): Chunk | undefined {
  const value = parse(text)
  const { data } = Chunk.safeParse(value)
  if (!data) return undefined
  if (data.error != null || data.object === 'error') throw new Refusal(statusIn(data), text)
  if (!data.choices && !data.usage) return undefined
  const choice = data.choices?.find(({ index }) => (index ?? 0) === 0)
  const said = choice?.delta ?? choice?.message
  return {
    content: textOf(said?.content),
    calls: (said?.tool_calls ?? []).map(({ index, id, function: called }) => ({
      index: index ?? undefined,
      id: id || undefined,
      piece: argumentsOf(called?.arguments),
    })),
    isDeclined: Boolean(said?.refusal),
    finish: choice?.finish_reason || undefined,
    usage: data.usage
      ? { inputTokens: data.usage.prompt_tokens, outputTokens: data.usage.completion_tokens }
      : undefined,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text.
    throw new BrokenConnection(UNREADABLE)
  }
}

/** Some servers send text in parts, among them the model's reasoning, which is no part of the answer. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const texts = content.map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : ''))
  return texts.join('')
}

/** Arguments are JSON text; some servers send the object itself. */
function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value == null ? '' : JSON.stringify(value)
}

/** The HTTP status that an error inside an answer stands for: that of a passing one if it does not say. */
function statusIn({ error, code }: z.infer<typeof Chunk>): number {
  const told = { code, ...(typeof error === 'object' ? error : {}) } as Record<string, unknown>
  for (const value of [told['code'], told['status'], told['status_code'], code]) {
    const status = Number(value)
    if (status >= 400 && status < 600) return status
  }
  return /invalid_request/.test(`${told['type']}`) ? 400 : 500
}
