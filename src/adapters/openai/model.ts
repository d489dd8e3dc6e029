import { LRUCache } from 'lru-cache'
import type { AskOptions, LanguageModel, ModelReply, ModelRequest } from '../../domain/language-model.ts'
import { stalledFailure } from '../models/failures.ts'
import { STALL_MS, stallLimit } from '../models/stall.ts'
import { parseChunk } from './chunk.ts'
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
import { afterAnswer, concede, type Dialect, FIRST_DIALECT, featuresOf, requestBody } from './request.ts'
import { createResponseCollector, type ResponseCollector, type Wanted } from './response.ts'

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
  /** Asked before each call, because it may change. Default: none; self-hosted servers often need none. */
  apiKey?: () => Promise<string | undefined>
  /** Is told what a server does not take, once for each model, for the log. Never any content. */
  note?: (message: string) => void
  /** Longest silence in the middle of a stream, in milliseconds. Default: {@link STALL_MS}. */
  stallMs?: number
}

/**
 * The models of a server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio, gateways, OpenAI.
 *
 * The features that a server lacks are learnt from its refusals, each of which costs a request, and remembered for a
 * while.
 */
export function openAiModel({ baseUrl, apiKey, note, stallMs = STALL_MS }: OpenAiSettings): LanguageModel {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  const server = `${url.origin}${url.pathname}`
  const dialects = new LRUCache<string, Dialect>({ max: MAX_DIALECTS, ttl: DIALECT_MS })
  const noted = new LRUCache<string, true>({ max: MAX_DIALECTS, ttl: DIALECT_MS })

  function noteOnce(message: string): void {
    if (noted.has(message)) return
    noted.set(message, true)
    note?.(message)
  }

  return {
    async ask(request, options) {
      const { model } = request
      const key = await apiKey?.()
      const endpoint = { server, model, hasKey: Boolean(key) }
      const features = featuresOf(request, options.onDelta !== undefined)
      let remembered = dialects.get(model) ?? FIRST_DIALECT
      let dialect = remembered
      const remember = (learnt: Dialect) => {
        // Setting it again would prolong its life.
        if (learnt !== remembered) dialects.set(model, learnt)
        remembered = learnt
      }
      for (;;) {
        options.signal.throwIfAborted()
        try {
          const headers = headersOf(key)
          const onAccepted = () => remember(dialect)
          const attempt = { url, headers, endpoint, request, dialect, options, stallMs, onAccepted }
          const { areCalls, ...reply } = await askOnce(attempt)
          const learnt = afterAnswer(dialect, request.format, { text: reply.answers[0], isCall: areCalls })
          if (learnt !== dialect) {
            noteOnce(`${server} ignores the form of the answer for model "${model}"; it is told in words.`)
          }
          remember(learnt)
          return reply
        } catch (error) {
          if (options.signal.aborted) throw options.signal.reason
          if (!(error instanceof Refusal)) throw error
          const next = concede(dialect, error, features)
          if (!next) throw refusalFailure(error, endpoint)
          noteOnce(`${server} refuses for model "${model}" (status ${error.status}): ${next.givenUp}.`)
          dialect = next.dialect
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
  stallMs: number
  /** Called when the answer begins: the server takes the request as it is. */
  onAccepted: () => void
}

/** @throws Refusal before any answer has begun; ModelFailure. */
async function askOnce(attempt: Attempt): Promise<ModelReply & { areCalls: boolean }> {
  const { url, headers, endpoint, request, dialect, options, stallMs, onAccepted } = attempt
  const { onDelta = () => {}, signal } = options
  const isStreaming = options.onDelta !== undefined
  const wanted = wantedAnswer(request, dialect)
  const collector = createResponseCollector(wanted, onDelta)
  const silenceMs = stallLimit(request, wanted.kind === 'call', stallMs)
  const connection = openConnection(signal, silenceMs)
  let isEnded = false
  try {
    const body = requestBody(request, dialect, isStreaming)
    const response = await post(url, headers, body, connection.signal)
    if (!response.ok) {
      connection.closeAfter(ERROR_MS)
      throw new Refusal(response.status, await errorText(response), retryAfterOf(response))
    }
    isEnded = await readResponse(response, isStreaming, { collector, connection, endpoint, onAccepted })
  } catch (error) {
    if (error instanceof BrokenConnection && connection.isStalled()) throw stalledFailure(silenceMs)
    if (error instanceof BrokenConnection) throw brokenFailure(error, endpoint, collector.hasBegun())
    if (error instanceof Refusal && collector.hasBegun()) throw refusalFailure(error, endpoint)
    throw error
  } finally {
    connection.close()
  }
  signal.throwIfAborted()
  return collector.finish(isEnded)
}

function wantedAnswer({ format, maxTokens }: ModelRequest, { form }: Dialect): Wanted {
  if (!format) return { kind: 'text', maxTokens }
  return { kind: form === 'tool' ? 'call' : 'json', maxTokens }
}

interface Reading {
  collector: ResponseCollector
  connection: Connection
  endpoint: Endpoint
  onAccepted: () => void
}

/** @returns whether the answer ended in good order. */
async function readResponse(
  response: Response,
  isStreaming: boolean,
  { collector, connection, endpoint, onAccepted }: Reading,
): Promise<boolean> {
  const type = response.headers.get('content-type') ?? ''
  const isEventStream = /event-stream/i.test(type) || (isStreaming && !/json/i.test(type))
  if (/html/i.test(type)) throw foreignFailure(endpoint)
  let isDone = false
  try {
    for await (const text of jsonTexts(response, isEventStream, connection.onBytes)) {
      if (isDone) continue
      if (text.trim() === DONE) {
        isDone = true
        connection.closeAfter(END_MS)
        continue
      }
      const chunk = parseChunk(text)
      if (!chunk && !isEventStream) throw foreignFailure(endpoint)
      const wasStopped = collector.isStopped()
      if (chunk) {
        onAccepted()
        collector.push(chunk)
      }
      // Before its first piece a model may think for long.
      if (isEventStream && collector.isWriting()) connection.expectBytes()
      if (!wasStopped && collector.isStopped()) connection.closeAfter(USAGE_MS)
    }
  } catch (error) {
    // A complete answer stays one, whatever happens to its connection.
    const isComplete = () => isDone || collector.isStopped() || collector.isWhole()
    if (!(error instanceof BrokenConnection && isComplete())) throw error
  }
  return isDone || !isEventStream
}

/** The connection of one request. */
interface Connection {
  /** Fires when the connection is to be closed. */
  signal: AbortSignal
  /** Closes it in `ms` milliseconds unless it has ended by then; replaces an earlier time. */
  closeAfter(ms: number): void
  /** From now on silence closes it. */
  expectBytes(): void
  /** To be called whenever anything arrives. */
  onBytes(): void
  /** Whether silence has closed it. */
  isStalled(): boolean
  /** Closes it now, if it has not ended. */
  close(): void
}

/**
 * @param outer closes it, too. Not with `AbortSignal.any`: Node.js 20 may collect combined signals before they fire.
 * @param silenceMs longest silence once bytes are expected.
 */
function openConnection(outer: AbortSignal, silenceMs: number): Connection {
  const controller = new AbortController()
  const abort = () => controller.abort()
  let timer: NodeJS.Timeout | undefined
  let silence: NodeJS.Timeout | undefined
  let isStalled = false
  outer.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    closeAfter(ms) {
      clearTimeout(timer)
      timer = setTimeout(abort, ms)
    },
    expectBytes() {
      silence ??= setTimeout(() => {
        isStalled = true
        abort()
      }, silenceMs)
    },
    onBytes: () => void silence?.refresh(),
    isStalled: () => isStalled,
    close() {
      clearTimeout(timer)
      clearTimeout(silence)
      outer.removeEventListener('abort', abort)
      abort()
    },
  }
}
