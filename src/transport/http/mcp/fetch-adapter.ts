import type { IncomingMessage, ServerResponse } from 'node:http'
import { createParser } from 'eventsource-parser'
import { escapeLineBreaks } from '../../../util/json.ts'
import { type AcceptedForms, acceptedForms } from '../accept.ts'

/** How long a client may leave a stream unread. What is waiting for it meanwhile takes memory. */
const MAX_PAUSE_MS = 30_000

/** How long a call may take until its answer becomes a stream, and time between comments: proxies cut silent ones. */
const SILENCE_MS = 10_000
const EVENTS = 'text/event-stream'
const EVENT_HEADERS = { 'content-type': EVENTS, 'cache-control': 'no-cache', 'x-accel-buffering': 'no' }

/**
 * Answers a Node request through a web-standard handler, in a form that the client can read. Unlike the SDK's own
 * adapter it gives no body: the handler has the parsed one, instead of a request stream that is never read.
 *
 * @param options.signal fires when the client no longer waits for the answer.
 * @param options.isBatch whether an answer of JSON alone is a list.
 */
export async function respondWithFetch(
  fetch: (request: Request) => Promise<Response>,
  { headers }: IncomingMessage,
  reply: ServerResponse,
  { signal, isBatch }: { signal: AbortSignal; isBatch: boolean },
  silenceMs = SILENCE_MS,
): Promise<void> {
  const forms = acceptedForms(headers.accept)
  // The address is never read, and what a client sends as its host need not make one.
  const request = new Request('http://localhost/mcp', {
    method: 'POST',
    headers: { ...(headers as Record<string, string>), ...handedAccept(forms) },
    signal,
  })
  const stopComments = forms.events ? commentWhileSilent(reply, silenceMs) : () => {}
  const response = await fetch(request).finally(stopComments)
  if (response.headers.get('content-type') === EVENTS && response.body) {
    if (!forms.events) return sendCollected(response.body, reply, isBatch)
    if (!reply.headersSent) reply.writeHead(response.status, Object.fromEntries(response.headers))
    await forward(response.body, reply)
    reply.end()
  } else await sendWhole(response, reply, forms)
}

/** The SDK wants both types by their names; a client that can read neither is left to it. */
function handedAccept({ json, events }: AcceptedForms): { accept?: string } {
  return json || events ? { accept: `application/json, ${EVENTS}` } : {}
}

/**
 * Makes the answer a stream, with a comment now and then, when a call takes long.
 *
 * @returns must be called when there is an answer.
 */
function commentWhileSilent(reply: ServerResponse, silenceMs: number): () => void {
  const timer = setInterval(() => {
    if (reply.destroyed) return
    if (!reply.headersSent) reply.writeHead(200, EVENT_HEADERS)
    reply.write(': still at work\n\n')
  }, silenceMs)
  return () => clearInterval(timer)
}

async function sendWhole(response: Response, reply: ServerResponse, forms: AcceptedForms): Promise<void> {
  const text = await response.text()
  const isStream = reply.headersSent || (forms.events && !forms.json && response.ok && text !== '')
  if (isStream) {
    if (!reply.headersSent) reply.writeHead(response.status, EVENT_HEADERS)
    reply.end(`event: message\ndata: ${escapeLineBreaks(text)}\n\n`)
    return
  }
  // As a text of known length, the answer leaves in one write together with its headers.
  const headers = { ...Object.fromEntries(response.headers), 'content-length': Buffer.byteLength(text) }
  reply.writeHead(response.status, headers).end(text)
}

/** Answers with the results of a stream as JSON, for a client that cannot read the stream. What else it says is lost. */
async function sendCollected(
  body: ReadableStream<Uint8Array>,
  reply: ServerResponse,
  isBatch: boolean,
): Promise<void> {
  const results: string[] = []
  const parser = createParser({
    onEvent({ data }) {
      if (!('method' in (JSON.parse(data) as object))) results.push(data)
    },
  })
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }))
  } catch (error) {
    // The stream was cut because the client disconnected.
    if (reply.destroyed) return
    throw error
  }
  const text = isBatch ? `[${results.join(',')}]` : (results[0] ?? '')
  reply
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text)
}

/** Forwards a stream piece by piece, no faster than the client reads. */
async function forward(body: ReadableStream<Uint8Array>, reply: ServerResponse): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body) {
      if (reply.destroyed) return
      if (!reply.write(escapeLineBreaks(decoder.decode(chunk, { stream: true })))) await readyForMore(reply)
    }
  } catch (error) {
    // The stream was cut because the client disconnected.
    if (!reply.destroyed) throw error
  }
}

/** Settles when the client has read what is waiting, or has gone; one that reads nothing for long is disconnected. */
function readyForMore(reply: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => reply.destroy(), MAX_PAUSE_MS)
    const done = () => {
      clearTimeout(timer)
      reply.off('drain', done).off('close', done)
      resolve()
    }
    reply.on('drain', done).on('close', done)
  })
}
