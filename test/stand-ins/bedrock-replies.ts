// What the stand-in of Bedrock Runtime answers.

/** A piece of what a model says. */
export type Block =
  | { text: string }
  | { reasoning: string }
  /** `json` is sent as it is, valid or not; Converse, whose body is JSON as a whole, sends as a string what is none. */
  | { toolUse: { toolUseId: string; name: string; input?: unknown; json?: string } }

/**
 * How an answer ends instead of properly: a stream after the deltas of its last block, without blocks before any event;
 * the body of Converse in its middle.
 */
export type Break =
  /** A failure that the stream itself tells; Converse has none. */
  | { exception: string; message: string }
  /** Stays open and silent. */
  | 'stall'
  /** The body ends as if it were whole. */
  | 'end'
  /** The connection breaks. */
  | 'reset'
  /** Everything is said and the stream stays open; Converse ends. */
  | 'linger'

export interface Manner {
  /** Before the answer begins. */
  delayMs?: number
  /** After each event of a stream. */
  gapMs?: number
  /** Characters of one delta; 8 if left out. */
  size?: number
  stopReason?: string
  usage?: { inputTokens: number; outputTokens: number; totalTokens: number }
  breaks?: Break
}

export type Reply =
  | ({ kind: 'message'; blocks: Block[] } & Manner)
  | { kind: 'error'; type: string; status: number; message: string; delayMs?: number }
  /** Takes the request and never answers. */
  | { kind: 'hang'; delayMs?: number }
  /** The connection breaks before any answer. */
  | { kind: 'reset'; delayMs?: number }

export type Message = Extract<Reply, { kind: 'message' }>

export const message = (blocks: Block[], manner: Manner = {}): Message => ({
  kind: 'message',
  blocks,
  ...manner,
})

export const text = (said: string, manner?: Manner) => message([{ text: said }], manner)

/** @param say text before the tool. */
export function toolUse(name: string, input: unknown, { say, ...manner }: Manner & { say?: string } = {}) {
  return message([...(say === undefined ? [] : [{ text: say }]), toolBlock(name, { input })], {
    stopReason: 'tool_use',
    ...manner,
  })
}

/** The same tool several times in one answer. */
export function toolUses(name: string, inputs: unknown[], manner: Manner = {}) {
  const blocks = inputs.map((input, index) => toolBlock(name, { input }, `tooluse_${index + 1}`))
  return message(blocks, { stopReason: 'tool_use', ...manner })
}

/** @param json the input as it is streamed: cut off, with too much, or no JSON at all. */
export const toolJson = (name: string, json: string, manner: Manner = {}) =>
  message([toolBlock(name, { json })], { stopReason: 'tool_use', ...manner })

function toolBlock(
  name: string,
  content: { input?: unknown; json?: string },
  toolUseId = 'tooluse_1',
): Block {
  return { toolUse: { toolUseId, name, ...content } }
}

export const httpError = (type: string, status = 400, said = type): Reply => ({
  kind: 'error',
  type,
  status,
  message: said,
})

export const throttled = () =>
  httpError('ThrottlingException', 429, 'Too many requests, please wait before trying again.')

export const hang = (): Reply => ({ kind: 'hang' })

export const reset = (): Reply => ({ kind: 'reset' })

/** The failures that a stream may tell in its middle. */
export const STREAM_EXCEPTIONS = [
  'throttlingException',
  'modelStreamErrorException',
  'internalServerException',
  'serviceUnavailableException',
  'validationException',
] as const

/** Any reply, broken off. */
export const broken = (reply: Message, breaks: Break): Message => ({ ...reply, breaks })

export const exception = (type: string, said = 'The stream failed.'): Break => ({
  exception: type,
  message: said,
})

const USAGE = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
const METRICS = { latencyMs: 1 }
const DELTA_SIZE = 8

/** The body of Converse's answer. */
export function converseOutput({ blocks, stopReason = 'end_turn', usage = USAGE }: Message): string {
  const raw: string[] = []
  const content = blocks.map((block) => {
    if ('text' in block) return block
    if ('reasoning' in block) return { reasoningContent: { reasoningText: { text: block.reasoning } } }
    const { json, input, ...tool } = block.toolUse
    if (json === undefined || !isJson(json)) return { toolUse: { ...tool, input: json ?? input } }
    raw.push(json)
    return { toolUse: { ...tool, input: RAW } }
  })
  const output = { message: { role: 'assistant', content } }
  const body = JSON.stringify({ output, stopReason, usage, metrics: METRICS })
  return body.replaceAll(`"${RAW}"`, () => raw.shift() ?? '')
}

/** Stands where text goes that is JSON already. */
const RAW = '<raw>'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The events of ConverseStream's answer, up to where it breaks off. */
export function* streamEvents(reply: Message): Generator<[type: string, payload: object]> {
  const { blocks, stopReason = 'end_turn', usage = USAGE, size = DELTA_SIZE } = reply
  const isCut = reply.breaks !== undefined && reply.breaks !== 'linger'
  if (isCut && blocks.length === 0) return
  yield ['messageStart', { role: 'assistant' }]
  for (const [contentBlockIndex, block] of blocks.entries()) {
    if ('toolUse' in block) {
      const { toolUseId, name, json, input } = block.toolUse
      yield ['contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId, name } } }]
      for (const piece of piecesOf(json ?? JSON.stringify(input), size)) {
        yield ['contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input: piece } } }]
      }
    } else if ('reasoning' in block) {
      const delta = { reasoningContent: { text: block.reasoning } }
      yield ['contentBlockDelta', { contentBlockIndex, delta }]
    } else {
      for (const piece of piecesOf(block.text, size)) {
        yield ['contentBlockDelta', { contentBlockIndex, delta: { text: piece } }]
      }
    }
    if (isCut && contentBlockIndex === blocks.length - 1) return
    yield ['contentBlockStop', { contentBlockIndex }]
  }
  yield ['messageStop', { stopReason }]
  yield ['metadata', { usage, metrics: METRICS }]
}

/** Pieces of whole characters, which no surrogate pair is split by. */
function* piecesOf(whole: string, size: number): Generator<string> {
  for (let start = 0, end = 0; start < whole.length; start = end) {
    end = start + size
    // A pair begins with the last unit.
    if ((whole.codePointAt(end - 1) ?? 0) > 0xffff) end++
    yield whole.slice(start, end)
  }
}
