import type { ConverseCommandOutput, ConverseStreamOutput, TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import {
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type TokenCount,
} from '../../domain/language-model.ts'
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
  const text = blocks.map((block) => block.text ?? '').join('')
  return replyOf({ toolInputs, text, usage }, hasFormat)
}

export interface StreamOptions {
  request: ModelRequest
  onDelta: (delta: string) => void
  /** The caller's: once it has fired, `onDelta` is not called any more. */
  signal: AbortSignal
}

/**
 * Reads an answer of ConverseStream, and passes its deltas on as they arrive.
 *
 * @throws ModelFailure; whatever `onDelta` throws.
 */
export async function readStream(
  stream: AsyncIterable<ConverseStreamOutput>,
  { request, onDelta, signal }: StreamOptions,
): Promise<ModelReply> {
  const hasFormat = request.format !== undefined
  const events = stream[Symbol.asyncIterator]()
  const collector = createStreamCollector(hasFormat, (delta) => {
    if (!signal.aborted) onDelta(delta)
  })
  while (!collector.usage()) {
    const { done, value: event } = await nextEvent(events, request, collector.hasDelivered)
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
  let text = ''
  let bytes = 0
  let hasDelivered = false
  let stop: { reason: string | undefined } | undefined
  let usage: TokenUsage | undefined

  function pushDelta({ contentBlockIndex: index = 0, delta }: ContentBlockDelta): void {
    const input = delta?.toolUse?.input
    const piece = input ?? delta?.text ?? ''
    bytes += Buffer.byteLength(piece)
    if (bytes > MAX_ANSWER_BYTES) throw answerTooLarge()
    if (input === undefined) text += piece
    else tools.set(index, (tools.get(index) ?? '') + piece)
    const isFirstTool = input !== undefined && tools.keys().next().value === index
    const isWanted = hasFormat ? isFirstTool : input === undefined
    if (!isWanted || piece === '') return
    hasDelivered = true
    deliver(piece)
  }

  return {
    push({ contentBlockStart, contentBlockDelta, messageStop, metadata }) {
      if (contentBlockStart?.start?.toolUse) tools.set(contentBlockStart.contentBlockIndex ?? 0, '')
      if (contentBlockDelta) pushDelta(contentBlockDelta)
      if (messageStop) stop = { reason: messageStop.stopReason }
      usage = metadata?.usage
    },
    hasDelivered: () => hasDelivered,
    isStopped: () => stop !== undefined,
    usage: () => usage,
    finish() {
      requireComplete(stop?.reason, tokenCount(usage))
      // A tool without any input is streamed as nothing at all.
      const toolInputs = [...tools.values()].map((json) => json || '{}')
      return replyOf({ toolInputs, text, usage }, hasFormat)
    },
  }
}

type ContentBlockDelta = NonNullable<ConverseStreamOutput['contentBlockDelta']>

/** With a format the tools' inputs, or the text of a model that used no tool. */
function replyOf(
  { toolInputs, text, usage }: { toolInputs: string[]; text: string; usage: TokenUsage | undefined },
  hasFormat: boolean,
): ModelReply {
  const texts = text === '' ? [] : [text]
  return {
    answers: hasFormat && toolInputs.length > 0 ? toolInputs : texts,
    usage: tokenCount(usage),
  }
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
