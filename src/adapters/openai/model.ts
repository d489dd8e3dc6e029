import { LRUCache } from 'lru-cache'
import type { AskOptions, LanguageModel, ModelReply, ModelRequest } from '../../domain/language-model.ts'
import {
  BrokenConnection,
  brokenFailure,
  type Endpoint,
  foreignFailure,
  keyFailure,
  Refusal,
  refusalFailure,
} from './errors.ts'
import { errorText, jsonTexts, post, retryAfterOf } from './http.ts'
import { afterAnswer, concede, type Dialect, FIRST_DIALECT, requestBody } from './request.ts'
import { createResponseCollector, parseChunk, type ResponseCollector } from './response.ts'

/** How many models' dialects are remembered, and how long: servers are updated. */
const MAX_DIALECTS = 100
const DIALECT_MS = 3_600_000
/** Data of the last event of a stream. */
const DONE = '[DONE]'
/** Wait for the count of tokens after the end of the answer, and for the end of the stream after its last event. */
const USAGE_MS = 1_000
const END_MS = 50
/** Wait for the body of an error; its status says most of it. */
const ERROR_MS = 1_000

export interface OpenAiSettings {
  /** For example `http://127.0.0.1:11434/v1`. */
  baseUrl: string
  /** Default: none; self-hosted servers often need none. */
  apiKey: string | undefined
}

/**
 * The models of a server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio, gateways, OpenAI.
 *
 * The features that a server lacks are learnt from its refusals, each of which costs a request, and remembered for a
 * while.
 */
export function openAiModel({ baseUrl, apiKey }: OpenAiSettings): LanguageModel {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  const server = `${url.origin}${url.pathname}`
  const dialects = new LRUCache<string, Dialect>({ max: MAX_DIALECTS, ttl: DIALECT_MS })

  return {
    async ask(request, options) {
      const endpoint = { server, model: request.model, hasKey: Boolean(apiKey) }
      const features = { hasFormat: request.format !== undefined, isStreaming: options.onDelta !== undefined }
      const remembered = dialects.get(request.model) ?? FIRST_DIALECT
      let dialect = remembered
      for (;;) {
        options.signal.throwIfAborted()
        try {
          const headers = headersOf(apiKey)
          const { areCalls, ...reply } = await askOnce({ url, headers, endpoint, request, dialect, options })
          const learnt = afterAnswer(dialect, request.format, { text: reply.answers[0], isCall: areCalls })
          // Setting it again would prolong its life.
          if (learnt !== remembered) dialects.set(request.model, learnt)
          return reply
        } catch (error) {
          if (options.signal.aborted) throw options.signal.reason
          if (!(error instanceof Refusal)) throw error
          const next = concede(dialect, error, features)
          if (!next) throw refusalFailure(error, endpoint)
          dialect = next
        }
      }
    },
  }
}

function headersOf(apiKey: string | undefined): Headers {
  const headers = new Headers({ 'content-type': 'application/json' })
  if (!apiKey) return headers
  // `Headers` would throw an error that quotes the key.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw keyFailure()
  headers.set('authorization', `Bearer ${apiKey}`)
  return headers
}

interface Attempt {
  url: URL
  headers: Headers
  endpoint: Endpoint
  request: ModelRequest
  dialect: Dialect
  options: AskOptions
}

/** @throws Refusal before any answer has begun; ModelFailure. */
async function askOnce(attempt: Attempt): Promise<ModelReply & { areCalls: boolean }> {
  const { url, headers, endpoint, request, dialect, options } = attempt
  const { onDelta = () => {}, signal } = options
  const isStreaming = options.onDelta !== undefined
  const collector = createResponseCollector(wantedAnswer(request, dialect), onDelta)
  const connection = openConnection(signal)
  try {
    const body = requestBody(request, dialect, isStreaming)
    const response = await post(url, headers, body, connection.signal)
    if (!response.ok) {
      connection.closeAfter(ERROR_MS)
      throw new Refusal(response.status, await errorText(response), retryAfterOf(response))
    }
    await readResponse(response, isStreaming, { collector, connection, endpoint })
  } catch (error) {
    if (error instanceof BrokenConnection) throw brokenFailure(error, endpoint, collector.hasBegun())
    if (error instanceof Refusal && collector.hasBegun()) throw refusalFailure(error, endpoint)
    throw error
  } finally {
    connection.close()
  }
  signal.throwIfAborted()
  return collector.finish()
}

function wantedAnswer({ format }: ModelRequest, { form }: Dialect) {
  if (!format) return 'text'
  return form === 'tool' ? 'call' : 'json'
}

interface Reading {
  collector: ResponseCollector
  connection: Connection
  endpoint: Endpoint
}

async function readResponse(
  response: Response,
  isStreaming: boolean,
  { collector, connection, endpoint }: Reading,
): Promise<void> {
  const type = response.headers.get('content-type') ?? ''
  const isEventStream = /event-stream/i.test(type) || (isStreaming && !/json/i.test(type))
  if (/html/i.test(type)) throw foreignFailure(endpoint)
  let isDone = false
  try {
    for await (const text of jsonTexts(response, isEventStream)) {
      if (isDone) continue
      if (text.trim() === DONE) {
        isDone = true
        connection.closeAfter(END_MS)
        continue
      }
      const chunk = parseChunk(text)
      if (!chunk && !isEventStream) throw foreignFailure(endpoint)
      const wasStopped = collector.isStopped()
      if (chunk) collector.push(chunk)
      if (!wasStopped && collector.isStopped()) connection.closeAfter(USAGE_MS)
    }
  } catch (error) {
    // A complete answer stays one, whatever happens to its connection.
    if (!(error instanceof BrokenConnection) || !(isDone || collector.isStopped())) throw error
  }
}

/** The connection of one request. */
interface Connection {
  /** Fires when the connection is to be closed. */
  signal: AbortSignal
  /** Closes it in `ms` milliseconds unless it has ended by then; replaces an earlier time. */
  closeAfter(ms: number): void
  /** Closes it now, if it has not ended. */
  close(): void
}

/** @param outer closes it, too. Not with `AbortSignal.any`: Node.js 20 may collect combined signals before they fire. */
function openConnection(outer: AbortSignal): Connection {
  const controller = new AbortController()
  const abort = () => controller.abort()
  let timer: NodeJS.Timeout | undefined
  outer.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    closeAfter(ms) {
      clearTimeout(timer)
      timer = setTimeout(abort, ms)
    },
    close() {
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
      abort()
    },
  }
}
