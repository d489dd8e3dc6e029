import type { ConverseCommandOutput, ConverseStreamOutput, TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import {
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type TokenCount,
} from '../../domain/language-model.ts'
import { type AnswerFilter, createJsonFilter, createTextFilter } from '../../domain/model-text.ts'
import { onlyThoughtFailure, stalledFailure } from '../models/failures.ts'
import { answerTooLarge, isBedrockError, MAX_ANSWER_BYTES, modelFailure, requireComplete } from './errors.ts'

/** Time for the stream to end by itself after its last event; then its connection is closed. */
const LINGER_MS = 20

/**
 * Reads an answer of Converse.
 *
 * @throws ModelFailure `incomplete`.
 */
export function readReply(
  { output, stopReason, usage }: ConverseCommandOutput,
  hasFormat: boolean,
): ModelReply {
  requireComplete(stopReason, tokenCount(usage))
  const blocks = output?.message?.content ?? []
  const toolInputs = blocks.flatMap(({ toolUse }) => (toolUse ? [JSON.stringify(toolUse.input ?? {})] : []))
  const text = createFilter(hasFormat, () => {})
  for (const block of blocks) text.push(block.text ?? '')
  const hasReasoned = blocks.some(({ reasoningContent }) => reasoningContent !== undefined)
  return replyOf({ toolInputs, text, hasReasoned, usage }, hasFormat).reply
}

/** With a format, text beside a tool is not the answer; whether there is a tool is known only at the end. */
function createFilter(hasFormat: boolean, deliver: (delta: string) => void): AnswerFilter {
  return hasFormat ? createJsonFilter(undefined) : createTextFilter(deliver)
}

export interface StreamOptions {
  request: ModelRequest
  onDelta: (delta: string) => void
  /** The caller's: once it has fired, `onDelta` is not called any more. */
  signal: AbortSignal
  /** Longest silence once the model writes. */
  silenceMs: number
}

/**
 * Reads an answer of ConverseStream, and passes its deltas on as they arrive.
 *
 * @throws ModelFailure; whatever `onDelta` throws.
 */
export async function readStream(
  stream: AsyncIterable<ConverseStreamOutput>,
  { request, onDelta, signal, silenceMs }: StreamOptions,
): Promise<ModelReply> {
  const hasFormat = request.format !== undefined
  const events = stream[Symbol.asyncIterator]()
  const collector = createStreamCollector(hasFormat, (delta) => {
    if (!signal.aborted) onDelta(delta)
  })
  while (!collector.usage()) {
    const next = nextEvent(events, request, collector.hasDelivered)
    const { done, value: event } = await (collector.isWriting() ? withinSilence(next, silenceMs) : next)
    if (done) break
    collector.push(event)
  }
  // For the SDK a stream that was cut off has merely ended.
  if (!collector.isStopped()) throw streamCut(collector.hasDelivered())
  if (collector.usage()) await drain(events)
  return collector.finish()
}

/** Puts an answer together from the events of its stream. */
interface StreamCollector {
  /** @throws ModelFailure `incomplete` if the answer is too large. */
  push(event: ConverseStreamOutput): void
  /** Whether a delta was passed on. */
  hasDelivered(): boolean
  /** Whether the model writes: its answer, or what it thinks. */
  isWriting(): boolean
  /** Whether the model has stopped: only the count of tokens may follow. */
  isStopped(): boolean
  /** The count of tokens, which is the last event. */
  usage(): TokenUsage | undefined
  /** @throws ModelFailure `incomplete` unless the model came to the end of its answer. */
  finish(): ModelReply
}

/** @param deliver gets the text, or with a format the input of the first tool. */
function createStreamCollector(hasFormat: boolean, deliver: (delta: string) => void): StreamCollector {
  /** Input by index of the content block. */
  const tools = new Map<number, string>()
  const text = createFilter(hasFormat, pass)
  let bytes = 0
  let hasDelivered = false
  let hasReasoned = false
  let stop: { reason: string | undefined } | undefined
  let usage: TokenUsage | undefined

  function pass(delta: string): void {
    hasDelivered = true
    deliver(delta)
  }

  function pushDelta({ contentBlockIndex: index = 0, delta }: ContentBlockDelta): void {
    const input = delta?.toolUse?.input
    const piece = input ?? delta?.text ?? ''
    bytes += Buffer.byteLength(piece)
    if (bytes > MAX_ANSWER_BYTES) throw answerTooLarge()
    hasReasoned ||= delta?.reasoningContent !== undefined
    if (input === undefined) text.push(piece)
    else pushInput(index, piece)
  }

  function pushInput(index: number, piece: string): void {
    tools.set(index, (tools.get(index) ?? '') + piece)
    const isFirst = tools.keys().next().value === index
    if (hasFormat && isFirst && piece !== '') pass(piece)
  }

  return {
    push({ contentBlockStart, contentBlockDelta, messageStop, metadata }) {
      if (contentBlockStart?.start?.toolUse) tools.set(contentBlockStart.contentBlockIndex ?? 0, '')
      if (contentBlockDelta) pushDelta(contentBlockDelta)
      if (messageStop) stop = { reason: messageStop.stopReason }
      usage = metadata?.usage
    },
    hasDelivered: () => hasDelivered,
    isWriting: () => bytes > 0 || hasReasoned,
    isStopped: () => stop !== undefined,
    usage: () => usage,
    finish() {
      requireComplete(stop?.reason, tokenCount(usage))
      // A tool without any input is streamed as nothing at all.
      const toolInputs = [...tools.values()].map((json) => json || '{}')
      const { reply, rest } = replyOf({ toolInputs, text, hasReasoned, usage }, hasFormat)
      if (!hasFormat && rest !== '') pass(rest)
      return reply
    },
  }
}

type ContentBlockDelta = NonNullable<ConverseStreamOutput['contentBlockDelta']>

interface Written {
  toolInputs: string[]
  text: AnswerFilter
  hasReasoned: boolean
  usage: TokenUsage | undefined
}

/** With a format the tools' inputs, or the text of a model that used no tool; and the text not delivered yet. */
function replyOf(
  { toolInputs, text, hasReasoned, usage }: Written,
  hasFormat: boolean,
): { reply: ModelReply; rest: string } {
  const { answer, rest } = text.finish()
  const texts = answer === '' ? [] : [answer]
  const answers = hasFormat && toolInputs.length > 0 ? toolInputs : texts
  if (answers.length === 0 && (hasReasoned || text.hasThought())) throw onlyThoughtFailure(tokenCount(usage))
  return { reply: { answers, stopReason: 'end', usage: tokenCount(usage) }, rest }
}

function tokenCount(usage: TokenUsage | undefined): TokenCount {
  return { inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 }
}

async function nextEvent(
  events: AsyncIterator<ConverseStreamOutput>,
  request: ModelRequest,
  hasDelivered: () => boolean,
): Promise<IteratorResult<ConverseStreamOutput>> {
  try {
    return await events.next()
  } catch (error) {
    throw isBedrockError(error) ? modelFailure(error, request) : streamCut(hasDelivered())
  }
}

/** @throws ModelFailure `transient` if there is no event in time. */
async function withinSilence<T>(next: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(stalledFailure(ms)), ms)
  })
  try {
    return await Promise.race([next, silence])
  } finally {
    clearTimeout(timer)
  }
}

function streamCut(hasDelivered: boolean): ModelFailure {
  const message = hasDelivered
    ? "The model's answer broke off before its end."
    : 'The connection to the model broke off before its answer.'
  return new ModelFailure('transient', message)
}

/** Lets the connection close in good order. The answer is complete, so an error here does not matter. */
async function drain(events: AsyncIterator<ConverseStreamOutput>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const linger = new Promise((resolve) => {
    timer = setTimeout(resolve, LINGER_MS)
  })
  await Promise.race([events.next().catch(() => {}), linger])
  clearTimeout(timer)
}
