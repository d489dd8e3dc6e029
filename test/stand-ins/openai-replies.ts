import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chat } from './openai.ts'

// What the stand-in of an OpenAI-compatible server can say, and the ways in which it fails.

export type Reply = (chat: Chat) => Promise<void> | void

export interface Saying {
  /** Characters of one delta. Default: 16. */
  size?: number
  /** Pause before each delta, in milliseconds. Default: none. */
  everyMs?: number
  /** What the model thinks before it answers. */
  reasoning?: string
  /** The reason to stop. Default: that of the form of the answer. */
  finish?: string | null
  /** Default: 20 and 10 tokens; `null` if the server does not tell. */
  usage?: { prompt_tokens: number; completion_tokens: number } | null
  /** Whether `[DONE]` ends a stream. Default: true. */
  hasDone?: boolean
  /** Instead of an answer. */
  refusal?: string
  /** Text besides the call of a tool. */
  beside?: string
  /** The arguments of more calls. */
  moreCalls?: string[]
  /** Whether all calls have the same index. */
  isIndexLost?: boolean
  /** Whether every piece of a call has its own id. */
  hasManyIds?: boolean
  /** What keeps the stream alive, sent before each delta. */
  keepAlive?: string
  /** Is told of each delta before it is sent. */
  onSend?: (delta: string) => void
}

type Message = Record<string, unknown>

/** Gives an answer, in the form that it is asked for. */
export function says(answer: string, saying: Saying = {}): Reply {
  return async (chat) => {
    if (chat.body.stream !== true) return sendJson(chat.response, 200, completion(chat, answer, saying))
    openStream(chat)
    const { everyMs, onSend, keepAlive, hasDone = true } = saying
    for (const { delta, text } of deltas(chat, answer, saying)) {
      if (everyMs !== undefined) await sleep(everyMs)
      if (chat.closed.aborted) return
      onSend?.(text)
      if (keepAlive !== undefined) await written(chat, keepAlive)
      await sendEvent(chat, chunk(chat, { delta, finish_reason: null }))
    }
    await sendEvent(chat, chunk(chat, { delta: {}, finish_reason: finishOf(chat, saying) }))
    const usage = usageOf(chat, saying)
    if (usage) await sendEvent(chat, { ...chunk(chat), usage })
    if (hasDone) chat.response.write('data: [DONE]\n\n')
    chat.response.end()
  }
}

/** Thinks and gives no answer, whatever form is asked for. */
export function onlyThinks(reasoning: string, saying: Saying = {}): Reply {
  return (chat) =>
    says('', { reasoning, ...saying })({ ...chat, heeded: { ...chat.heeded, tool: undefined } })
}

/** How an answer ends too early. */
export type Break =
  /** In good order, but without what should come last. */
  | 'end'
  | 'reset'
  /** Nothing more comes, and the connection stays. */
  | 'stall'
  /** An error instead of more. */
  | 'error'
  /** Something that is not JSON. */
  | 'garbage'

/**
 * Breaks off in the middle of an answer.
 *
 * @param after so many deltas of a stream, the first of which holds no text.
 * @param words of the error. Default: overloaded.
 */
export function breaksOff(answer: string, by: Break, after = 2, words: object = OVERLOADED): Reply {
  return async (chat) => {
    const { response } = chat
    if (chat.body.stream !== true) return breakJson(chat, answer, by, words)
    openStream(chat)
    for (const { delta } of deltas(chat, answer, {}).slice(0, after)) {
      await sendEvent(chat, chunk(chat, { delta, finish_reason: null }))
    }
    if (by === 'error') response.end(`data: ${JSON.stringify({ error: words })}\n\n`)
    if (by === 'garbage') response.end(`data: {"choices": [{"delta": {"content": "${SECRET_WORDS}\n\n`)
    if (by === 'end') response.end()
    // What has been sent gets lost if the client has not read it by then.
    if (by === 'reset') setTimeout(chat.breakOff, 20)
  }
}

const OVERLOADED = { message: 'The engine is overloaded.', type: 'server_error', code: null }
/** A part of an answer that must not get into an error. */
export const SECRET_WORDS = 'quarterly figures of the client'

function breakJson(chat: Chat, answer: string, by: Break, words: object): void {
  const { response } = chat
  const text = JSON.stringify(completion(chat, answer, {}))
  const half = text.slice(0, text.length / 2)
  if (by === 'error') sendJson(response, 200, { error: words })
  else response.writeHead(200, { 'content-type': 'application/json' })
  if (by === 'garbage') response.end(`${SECRET_WORDS}${text}`)
  if (by === 'end') response.end(half)
  if (by === 'stall') response.write(half)
  if (by === 'reset') response.write(half, () => chat.breakOff())
}

/** Answers with an error. */
export function fails(
  status: number,
  error: object = OVERLOADED,
  headers: Record<string, string> = {},
): Reply {
  return ({ response }) => sendError(response, status, error, headers)
}

export function throttles(retryAfterSeconds = 1): Reply {
  const error = { message: 'Rate limit reached.', type: 'requests', code: 'rate_limit_exceeded' }
  return fails(429, error, { 'retry-after': `${retryAfterSeconds}` })
}

/** Takes the request and says nothing, not even a status. */
export const hangs = (): Reply => () => {}

/** Breaks the connection instead of answering. */
export const resets = (): Reply => (chat) => chat.breakOff()

/** Answers with these bytes. */
export function sends(text: string, type = 'application/json', status = 200): Reply {
  return ({ response }) => void response.writeHead(status, { 'content-type': type }).end(text)
}

/** Streams without end: text, calls of a tool if one is asked for, or what the model thinks. */
export function babbles(kind: 'answer' | 'reasoning' | 'line'): Reply {
  const text = 'x'.repeat(16_384)
  return async (chat) => {
    openStream(chat)
    while (!chat.closed.aborted) {
      const said = deltas(chat, text, { size: text.length }).at(-1)
      const delta = kind === 'reasoning' ? { reasoning_content: text } : said?.delta
      if (kind === 'line') await written(chat, text)
      else await sendEvent(chat, chunk(chat, { delta, finish_reason: null }))
    }
  }
}

export function sendError(
  response: ServerResponse,
  status: number,
  error: object,
  headers: Record<string, string> = {},
): void {
  sendJson(response, status, { error }, headers)
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

function openStream({ response }: Chat): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
}

function sendEvent(chat: Chat, value: object): Promise<void> {
  return written(chat, `data: ${JSON.stringify(value)}\n\n`)
}

/** Resolves when it is sent, or cannot be any more. */
function written({ response }: Chat, text: string): Promise<void> {
  return new Promise((resolve) => response.write(text, () => resolve()))
}

function deltas(chat: Chat, answer: string, saying: Saying): { delta: Message; text: string }[] {
  const {
    size = 16,
    reasoning,
    refusal,
    beside,
    moreCalls = [],
    isIndexLost = false,
    hasManyIds = false,
  } = saying
  const content = (text: string) => ({ delta: { content: text }, text })
  const thoughts = reasoning ? piecesOf(reasoning, size) : []
  const before = thoughts.map((text) => ({ delta: { reasoning_content: text }, text: '' }))
  const head = { delta: { role: 'assistant', content: '' }, text: '' }
  if (refusal !== undefined) return [head, { delta: { refusal }, text: '' }]
  const { tool } = chat.heeded
  if (tool === undefined) return [head, ...before, ...piecesOf(answer, size).map(content)]
  const calls = [answer, ...moreCalls].flatMap((one, at) => {
    const index = isIndexLost ? 0 : at
    const called = (args: string, names: object = {}) => ({ index, function: { arguments: args }, ...names })
    const opening = { index, id: `call_${at}`, type: 'function', function: { name: tool, arguments: '' } }
    const pieces = piecesOf(one, size).map((text, nth) => {
      const names = hasManyIds ? { id: `call_${at}_${nth}` } : {}
      return { delta: { tool_calls: [called(text, names)] }, text }
    })
    return [{ delta: { tool_calls: [opening] }, text: '' }, ...pieces]
  })
  return [head, ...before, ...(beside ? piecesOf(beside, size).map(content) : []), ...calls]
}

function piecesOf(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, (at + 1) * size),
  )
}

function chunk(chat: Chat, choice?: Message): Message {
  const choices = choice ? [{ index: 0, ...choice }] : []
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: chat.body.model, choices }
}

function completion(chat: Chat, answer: string, saying: Saying): Message {
  const { refusal, beside, moreCalls = [], reasoning } = saying
  const { tool } = chat.heeded
  const calls = [answer, ...moreCalls].map((text, at) => ({
    id: `call_${at}`,
    type: 'function',
    function: { name: tool, arguments: text },
  }))
  const said = tool === undefined ? { content: answer } : { content: beside ?? null, tool_calls: calls }
  const content = refusal === undefined ? said : { content: null, refusal }
  const message = { role: 'assistant', ...content, ...(reasoning && { reasoning_content: reasoning }) }
  const usage = usageOf(chat, saying)
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: chat.body.model,
    choices: [{ index: 0, message, finish_reason: finishOf(chat, saying) }],
    ...(usage && { usage }),
  }
}

function finishOf({ heeded }: Chat, { finish }: Saying): string | null {
  if (finish !== undefined) return finish
  return heeded.tool === undefined ? 'stop' : 'tool_calls'
}

function usageOf({ heeded }: Chat, { usage = { prompt_tokens: 20, completion_tokens: 10 } }: Saying) {
  return heeded.usage ? usage : null
}
