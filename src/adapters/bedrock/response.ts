import type { ConverseCommandOutput, ConverseStreamOutput, TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import {
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type TokenCount,
} from '../../domain/language-model.ts'
import { isToldByBedrock, MAX_ANSWER_BYTES, modelFailure, requireWhole, tooLarge } from './errors.ts'

/**
 * The reply in an answer of Converse.
 *
 * @throws ModelFailure `incomplete`.
 */
export function replyOf(
  { output, stopReason, usage }: ConverseCommandOutput,
  hasFormat: boolean,
): ModelReply {
  requireWhole(stopReason, countOf(usage))
  const blocks = output?.message?.content ?? []
  const tools = blocks.flatMap(({ toolUse }) => (toolUse ? [jsonOf(toolUse.input)] : []))
  const text = blocks.map((block) => block.text ?? '').join('')
  return reply({ tools, text, usage }, hasFormat)
}

/** What a model said, from its parts: with a format the tools' inputs, or the text of a model that used no tool. */
function reply(
  { tools, text, usage }: { tools: string[]; text: string; usage: TokenUsage | undefined },
  hasFormat: boolean,
): ModelReply {
  const texts = text === '' ? [] : [text]
  return {
    answers: hasFormat && tools.length > 0 ? tools : texts,
    usage: countOf(usage),
  }
}

function countOf(usage: TokenUsage | undefined): TokenCount {
  return { inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 }
}

const jsonOf = (input: unknown) => JSON.stringify(input ?? {})

/** Time for the stream to end by itself after its last event; else its connection is cut. */
const LINGER_MS = 20

/**
 * Reads an answer of ConverseStream and gives on its pieces as they come.
 *
 * @throws ModelFailure; whatever `onDelta` throws.
 */
export async function readStream(
  stream: AsyncIterable<ConverseStreamOutput>,
  options: { request: ModelRequest; onDelta: (delta: string) => void; abortSignal: AbortSignal },
): Promise<ModelReply> {
  const { request, abortSignal } = options
  const hasFormat = request.format !== undefined
  const events = stream[Symbol.asyncIterator]()
  /** By the index of the block. */
  const tools = new Map<number, string>()
  let text = ''
  let bytes = 0
  let isDelivered = false
  let stopped: { reason: string | undefined } | undefined
  let usage: TokenUsage | undefined

  function deliver(piece: string): void {
    // What was under way when the caller lost interest.
    if (piece === '' || abortSignal.aborted) return
    isDelivered = true
    options.onDelta(piece)
  }

  function take({
    contentBlockIndex: index = 0,
    delta,
  }: NonNullable<ConverseStreamOutput['contentBlockDelta']>) {
    const input = delta?.toolUse?.input
    const piece = input ?? delta?.text ?? ''
    bytes += Buffer.byteLength(piece)
    if (bytes > MAX_ANSWER_BYTES) throw tooLarge()
    if (input === undefined) text += piece
    else tools.set(index, (tools.get(index) ?? '') + piece)
    const isFirstTool = input !== undefined && tools.keys().next().value === index
    if (hasFormat ? isFirstTool : input === undefined) deliver(piece)
  }

  while (!usage) {
    const { done, value: event } = await nextOf(events, request, () => isDelivered)
    if (done) break
    if (event.contentBlockStart?.start?.toolUse) tools.set(event.contentBlockStart.contentBlockIndex ?? 0, '')
    if (event.contentBlockDelta) take(event.contentBlockDelta)
    if (event.messageStop) stopped = { reason: event.messageStop.stopReason }
    usage = event.metadata?.usage
  }
  // The SDK takes a stream that was cut for one that is over.
  if (!stopped) throw cut(isDelivered)
  if (usage) await endOf(events)
  requireWhole(stopped.reason, countOf(usage))
  // A tool without any input is streamed as nothing at all.
  const inputs = [...tools.values()].map((json) => json || '{}')
  return reply({ tools: inputs, text, usage }, hasFormat)
}

async function nextOf(
  events: AsyncIterator<ConverseStreamOutput>,
  request: ModelRequest,
  isDelivered: () => boolean,
): Promise<IteratorResult<ConverseStreamOutput>> {
  try {
    return await events.next()
  } catch (error) {
    throw isToldByBedrock(error) ? modelFailure(error, request) : cut(isDelivered())
  }
}

function cut(isDelivered: boolean): ModelFailure {
  const message = isDelivered
    ? "The model's answer broke off before its end."
    : 'The connection to the model broke off before its answer.'
  return new ModelFailure('passing', message)
}

/** Lets the connection close in good order; the answer is whole already, so nothing that happens here matters. */
async function endOf(events: AsyncIterator<ConverseStreamOutput>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const soon = new Promise((resolve) => {
    timer = setTimeout(resolve, LINGER_MS)
  })
  await Promise.race([events.next().catch(() => {}), soon])
  clearTimeout(timer)
}
