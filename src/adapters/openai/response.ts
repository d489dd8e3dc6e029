import * as z from 'zod'
import type { ModelReply } from '../../domain/language-model.ts'
import {
  BrokenConnection,
  cutFailure,
  declinedFailure,
  MAX_ANSWER_BYTES,
  Refusal,
  stoppedFailure,
  tooLargeFailure,
  UNREADABLE,
} from './errors.ts'

/** Reasons of a model to stop because it had said everything, in the words of several servers. */
const GOOD_REASONS = /^(stop|tool_calls|function_call|stop_sequence|end_turn|eos|eos_token)$/i
/** What one call of a tool counts against the size, whatever its arguments are. */
const CALL_BYTES = 1024

/** Puts an answer together. */
export interface AnswerReader {
  /** @throws ModelFailure `incomplete` if the answer is too large. */
  take(chunk: Chunk): void
  /** Whether some of an answer has come. */
  hasBegun(): boolean
  /** Whether the model has said why it stopped: only the count of tokens may follow. */
  isFinished(): boolean
  /**
   * @returns the reply, and whether its answers are calls of a tool.
   * @throws ModelFailure `incomplete` or `passing` if the answer is not whole.
   */
  end(): ModelReply & { areCalls: boolean }
}

/**
 * @param wanted text, JSON as text, or a call of a tool; a model that calls none may have written its answer as text.
 * @param onDelta is given the first answer piece by piece.
 */
export function answerReader(
  wanted: 'text' | 'json' | 'call',
  onDelta: (delta: string) => void,
): AnswerReader {
  const calls: { index: number | undefined; id: string | undefined; text: string }[] = []
  // Text besides a call is no answer, and whether there will be one is known at the end.
  const fence = fenceFilter(wanted === 'call' ? () => {} : onDelta)
  let text = ''
  let size = 0
  let isDeclined = false
  let finish: string | undefined
  let usage: ModelReply['usage'] = { inputTokens: 0, outputTokens: 0 }

  function takeText(piece: string): void {
    if (piece === '') return
    count(Buffer.byteLength(piece))
    if (wanted === 'text') {
      onDelta(piece)
      text += piece
    } else fence.take(piece)
  }

  function takeCall({ index, id, piece }: Chunk['calls'][number]): void {
    if (wanted !== 'call') return
    let call = calls.findLast((one) => index === undefined || one.index === index)
    // Some servers give every call the same index.
    if (!call || (id !== undefined && call.id !== undefined && id !== call.id)) {
      call = { index, id, text: '' }
      calls.push(call)
      count(CALL_BYTES)
    }
    count(Buffer.byteLength(piece))
    call.text += piece
    if (piece !== '' && call === calls[0]) onDelta(piece)
  }

  function count(bytes: number): void {
    size += bytes
    if (size > MAX_ANSWER_BYTES) throw tooLargeFailure()
  }

  function textAnswer(): string {
    if (wanted === 'text') return text
    const unfenced = fence.end()
    if (wanted === 'call' && unfenced !== '' && calls.length === 0) onDelta(unfenced)
    return unfenced
  }

  return {
    take(chunk) {
      usage = chunk.usage ?? usage
      finish ??= chunk.finish
      isDeclined ||= chunk.isDeclined
      takeText(chunk.content)
      for (const call of chunk.calls) takeCall(call)
    },
    hasBegun: () => size > 0,
    isFinished: () => finish !== undefined,
    end() {
      if (isDeclined) throw declinedFailure(usage)
      if (finish === undefined) throw cutFailure(size > 0)
      if (!GOOD_REASONS.test(finish)) throw stoppedFailure(finish, usage)
      const written = textAnswer()
      const areCalls = calls.length > 0
      const texts = written.trim() === '' ? [] : [written]
      return { answers: areCalls ? calls.map((call) => call.text) : texts, usage, areCalls }
    },
  }
}

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

/** A fence and the blanks around it are not longer. */
const MAX_HELD = 64
const OPENING = /^\s*```(?:json)?[ \t]*\r?\n/i
const MAYBE_OPENING = /^\s*(?:`{1,2}|```[a-z]{0,4}[ \t]*\r?)?$/i
const CLOSING = /\s*(?:`{1,3}\s*)?$/
const CLOSED = /^\s*```\s*$/

interface FenceFilter {
  take(piece: string): void
  /** @returns all of the text: without the fence, or as it came if there is none around the whole of it. */
  end(): string
}

/**
 * Takes the Markdown fence away that many models put around JSON: a line ```` ```json ```` before it and a line
 * ```` ``` ```` after it.
 *
 * @param emit is given the text as it comes, held back only where a fence may be.
 */
function fenceFilter(emit: (text: string) => void): FenceFilter {
  let state: 'before' | 'inside' | 'bare' = 'before'
  let whole = ''
  let inside = ''
  let held = ''

  function pass(text: string): void {
    if (text === '') return
    if (state === 'inside') inside += text
    emit(text)
  }

  function before(): void {
    const opening = OPENING.exec(held.slice(0, MAX_HELD))
    if (opening) {
      state = 'inside'
      held = held.slice(opening[0].length)
      holdClosing()
    } else if (held.length >= MAX_HELD || !MAYBE_OPENING.test(held)) {
      state = 'bare'
      pass(held)
      held = ''
    }
  }

  /** Passes on what cannot belong to the closing fence. */
  function holdClosing(): void {
    const end = held.slice(-MAX_HELD)
    const at = held.length - end.length + (CLOSING.exec(end)?.index ?? end.length)
    pass(held.slice(0, at))
    held = held.slice(at)
  }

  return {
    take(piece) {
      whole += piece
      if (state === 'bare') return pass(piece)
      held += piece
      if (state === 'before') before()
      else holdClosing()
    },
    end() {
      if (state === 'inside' && CLOSED.test(held)) return inside
      pass(held)
      return whole
    },
  }
}
