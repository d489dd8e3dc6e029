import { LRUCache } from 'lru-cache'
import type { AskOptions, LanguageModel, ModelReply, ModelRequest } from '../../domain/language-model.ts'
import {
  BrokenConnection,
  brokenFailure,
  foreignFailure,
  keyFailure,
  type Place,
  Refusal,
  refusalFailure,
} from './errors.ts'
import { errorText, jsonTexts, post, retryAfterOf } from './http.ts'
import { afterAnswer, concede, type Dialect, FIRST_DIALECT, requestBody } from './request.ts'
import { type AnswerReader, answerReader, readChunk } from './response.ts'

/** How many models' dialects are remembered, and how long: servers are updated. */
const MAX_DIALECTS = 100
const DIALECT_MS = 3_600_000
/** Last event of a stream. */
const DONE = '[DONE]'
/** After the answer is whole, its count of tokens may take so long, and the end of the stream after its last event. */
const COUNT_MS = 1_000
const END_MS = 50
/** The words of an error may take so long: its status says most of it. */
const ERROR_MS = 1_000

export interface OpenAiSettings {
  /** For example `http://127.0.0.1:11434/v1`. */
  baseUrl: string
  /** Servers of one's own often need none. */
  apiKey: string | undefined
}

/**
 * The models of any server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio, gateways, OpenAI.
 *
 * What a server lacks is found out by its refusals, each of which costs a request, and remembered for a while.
 */
export function openAiModel({ baseUrl, apiKey }: OpenAiSettings): LanguageModel {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  const server = `${url.origin}${url.pathname}`
  const dialects = new LRUCache<string, Dialect>({ max: MAX_DIALECTS, ttl: DIALECT_MS })

  return {
    async ask(request, options) {
      const place = { server, model: request.model, hasKey: Boolean(apiKey) }
      const asked = { hasFormat: request.format !== undefined, isStreaming: options.onDelta !== undefined }
      const known = dialects.get(request.model) ?? FIRST_DIALECT
      let dialect = known
      for (;;) {
        options.signal.throwIfAborted()
        try {
          const headers = headersOf(apiKey)
          const { areCalls, ...reply } = await askOnce({ url, headers, place, request, dialect, options })
          const learnt = afterAnswer(dialect, request.format, { text: reply.answers[0], isCall: areCalls })
          // What is set again lives longer.
          if (learnt !== known) dialects.set(request.model, learnt)
          return reply
        } catch (error) {
          if (options.signal.aborted) throw options.signal.reason
          if (!(error instanceof Refusal)) throw error
          const next = concede(dialect, error, asked)
          if (!next) throw refusalFailure(error, place)
          dialect = next
        }
      }
    },
  }
}

function headersOf(apiKey: string | undefined): Headers {
  const headers = new Headers({ 'content-type': 'application/json' })
  if (!apiKey) return headers
  // The message of what `Headers` throws would quote it.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw keyFailure()
  headers.set('authorization', `Bearer ${apiKey}`)
  return headers
}

interface Attempt {
  url: URL
  headers: Headers
  place: Place
  request: ModelRequest
  dialect: Dialect
  options: AskOptions
}

/** @throws Refusal before any answer has begun; ModelFailure. */
async function askOnce(attempt: Attempt): Promise<ModelReply & { areCalls: boolean }> {
  const { url, headers, place, request, dialect, options } = attempt
  const { onDelta = () => {}, signal } = options
  const isStreaming = options.onDelta !== undefined
  const answer = answerReader(wantedBy(request, dialect), onDelta)
  const ending = endingWith(signal)
  try {
    const body = requestBody(request, dialect, isStreaming)
    const response = await post(url, headers, body, ending.signal)
    if (!response.ok) {
      ending.within(ERROR_MS)
      throw new Refusal(response.status, await errorText(response), retryAfterOf(response))
    }
    await readAnswer(response, isStreaming, { answer, ending, place })
  } catch (error) {
    if (error instanceof BrokenConnection) throw brokenFailure(error, place, answer.hasBegun())
    if (error instanceof Refusal && answer.hasBegun()) throw refusalFailure(error, place)
    throw error
  } finally {
    ending.close()
  }
  signal.throwIfAborted()
  return answer.end()
}

function wantedBy({ format }: ModelRequest, { form }: Dialect) {
  if (!format) return 'text'
  return form === 'tool' ? 'call' : 'json'
}

interface Reading {
  answer: AnswerReader
  ending: Ending
  place: Place
}

async function readAnswer(response: Response, isStreaming: boolean, { answer, ending, place }: Reading) {
  const type = response.headers.get('content-type') ?? ''
  const isEventStream = /event-stream/i.test(type) || (isStreaming && !/json/i.test(type))
  if (/html/i.test(type)) throw foreignFailure(place)
  let isDone = false
  try {
    for await (const text of jsonTexts(response, isEventStream)) {
      if (isDone) continue
      if (text.trim() === DONE) {
        isDone = true
        ending.within(END_MS)
        continue
      }
      const chunk = readChunk(text)
      if (!chunk && !isEventStream) throw foreignFailure(place)
      const wasFinished = answer.isFinished()
      if (chunk) answer.take(chunk)
      if (!wasFinished && answer.isFinished()) ending.within(COUNT_MS)
    }
  } catch (error) {
    // Nothing that happens to the connection makes a finished answer worse.
    if (!(error instanceof BrokenConnection) || !(isDone || answer.isFinished())) throw error
  }
}

interface Ending {
  signal: AbortSignal
  /** Ends the connection, unless it ends by itself in time. */
  within(ms: number): void
  /** Ends what has not ended. */
  close(): void
}

/** A plain controller and a timer: combined signals may be collected before they fire. */
function endingWith(outer: AbortSignal): Ending {
  const controller = new AbortController()
  const end = () => controller.abort()
  let timer: NodeJS.Timeout | undefined
  outer.addEventListener('abort', end, { once: true })
  return {
    signal: controller.signal,
    within(ms) {
      clearTimeout(timer)
      timer = setTimeout(end, ms)
    },
    close() {
      clearTimeout(timer)
      outer.removeEventListener('abort', end)
      end()
    },
  }
}
