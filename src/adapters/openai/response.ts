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

/** Stop reasons of a complete answer, as various servers spell them. */
const COMPLETE = /^(stop|tool_calls|function_call|stop_sequence|end_turn|eos|eos_token)$/i
/** Bytes that every call of a tool counts as, besides its arguments. */
const CALL_BYTES = 1024

/** Puts an answer together from its chunks. */
export interface ResponseCollector {
  /** @throws ModelFailure `incomplete` if the answer is too large. */
  push(chunk: Chunk): void
  /** Whether some of the answer has arrived. */
  hasBegun(): boolean
  /** Whether the model has stopped: only the count of tokens may follow. */
  isStopped(): boolean
  /**
   * @returns the reply, and whether its answers are calls of a tool.
   * @throws ModelFailure `incomplete` or `transient` if the answer is not complete.
   */
  finish(): ModelReply & { areCalls: boolean }
}

/**
 * @param wanted text, JSON as text, or a call of a tool; a model that calls none may have written its answer as text.
 * @param onDelta gets the first answer piece by piece.
 */
export function createResponseCollector(
  wanted: 'text' | 'json' | 'call',
  onDelta: (delta: string) => void,
): ResponseCollector {
  const calls: { index: number | undefined; id: string | undefined; text: string }[] = []
  // Text beside a call is not the answer; whether there is a call is known only at the end.
  const fence = createFenceFilter(wanted === 'call' ? () => {} : onDelta)
  let text = ''
  let size = 0
  let isDeclined = false
  let stopReason: string | undefined
  let usage: ModelReply['usage'] = { inputTokens: 0, outputTokens: 0 }

  function pushText(piece: string): void {
    if (piece === '') return
    addSize(Buffer.byteLength(piece))
    if (wanted === 'text') {
      onDelta(piece)
      text += piece
    } else fence.push(piece)
  }

  function pushCall({ index, id, piece }: Chunk['calls'][number]): void {
    if (wanted !== 'call') return
    let call = calls.findLast((one) => index === undefined || one.index === index)
    // Some servers give every call the same index.
    if (!call || (id !== undefined && call.id !== undefined && id !== call.id)) {
      call = { index, id, text: '' }
      calls.push(call)
      addSize(CALL_BYTES)
    }
    addSize(Buffer.byteLength(piece))
    call.text += piece
    if (piece !== '' && call === calls[0]) onDelta(piece)
  }

  function addSize(bytes: number): void {
    size += bytes
    if (size > MAX_ANSWER_BYTES) throw tooLargeFailure()
  }

  function finishText(): string {
    if (wanted === 'text') return text
    const unfenced = fence.finish()
    if (wanted === 'call' && unfenced !== '' && calls.length === 0) onDelta(unfenced)
    return unfenced
  }

  return {
    push(chunk) {
      usage = chunk.usage ?? usage
      stopReason ??= chunk.stopReason
      isDeclined ||= chunk.isDeclined
      pushText(chunk.content)
      for (const call of chunk.calls) pushCall(call)
    },
    hasBegun: () => size > 0,
    isStopped: () => stopReason !== undefined,
    finish() {
      if (isDeclined) throw declinedFailure(usage)
      if (stopReason === undefined) throw cutFailure(size > 0)
      if (!COMPLETE.test(stopReason)) throw stoppedFailure(stopReason, usage)
      const written = finishText()
      const areCalls = calls.length > 0
      const texts = written.trim() === '' ? [] : [written]
      return { answers: areCalls ? calls.map((call) => call.text) : texts, usage, areCalls }
    },
  }
}

const CallSchema = z.object({
  index: z.number().nullish(),
  id: z.string().nullish(),
  function: z.object({ arguments: z.unknown().optional() }).nullish(),
})

const MessageSchema = z.object({
  content: z.unknown().optional(),
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
    calls: (message?.tool_calls ?? []).map(({ index, id, function: called }) => ({
      index: index ?? undefined,
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

/** Longest fence, with the white space around it. */
const MAX_HELD = 64
const OPENING = /^\s*```(?:json)?[ \t]*\r?\n/i
const MAYBE_OPENING = /^\s*(?:`{1,2}|```[a-z]{0,4}[ \t]*\r?)?$/i
const CLOSING = /\s*(?:`{1,3}\s*)?$/
const CLOSED = /^\s*```\s*$/

interface FenceFilter {
  push(piece: string): void
  /** @returns all of the text: without the fence, or unchanged if no fence is around the whole of it. */
  finish(): string
}

/**
 * Removes the Markdown fence that many models put around JSON: a line ```` ```json ```` before it and a line
 * ```` ``` ```` after it.
 *
 * @param emit gets the text as it arrives, held back only where a fence may be.
 */
function createFenceFilter(emit: (text: string) => void): FenceFilter {
  let state: 'before' | 'inside' | 'bare' = 'before'
  let whole = ''
  let inside = ''
  let held = ''

  function pass(text: string): void {
    if (text === '') return
    if (state === 'inside') inside += text
    emit(text)
  }

  function findOpening(): void {
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

  /** Emits what cannot belong to the closing fence. */
  function holdClosing(): void {
    const end = held.slice(-MAX_HELD)
    const at = held.length - end.length + (CLOSING.exec(end)?.index ?? end.length)
    pass(held.slice(0, at))
    held = held.slice(at)
  }

  return {
    push(piece) {
      whole += piece
      if (state === 'bare') return pass(piece)
      held += piece
      if (state === 'before') findOpening()
      else holdClosing()
    },
    finish() {
      if (state === 'inside' && CLOSED.test(held)) return inside
      pass(held)
      return whole
    },
  }
}
