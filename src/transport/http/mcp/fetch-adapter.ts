import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long a client may leave a stream unread. What is waiting for it meanwhile takes memory. */
const MAX_PAUSE_MS = 30_000

/**
 * Answers a Node request through a web-standard handler. Unlike the SDK's own adapter it gives no body: the handler has
 * the parsed one, instead of a request stream that is never read.
 *
 * @param options.signal fires when nobody waits for the answer any more.
 * @param options.accept replaces the client's header.
 */
export async function respondWithFetch(
  fetch: (request: Request) => Promise<Response>,
  { headers }: IncomingMessage,
  reply: ServerResponse,
  { signal, accept }: { signal: AbortSignal; accept?: string },
): Promise<void> {
  // The address is never read, and what a client sends as its host need not make one.
  const request = new Request('http://localhost/mcp', {
    method: 'POST',
    headers: { ...(headers as Record<string, string>), ...(accept !== undefined && { accept }) },
    signal,
  })
  const response = await fetch(request)
  const answered = Object.fromEntries(response.headers)
  if (response.headers.get('content-type') === 'text/event-stream' && response.body) {
    reply.writeHead(response.status, answered)
    await forward(response.body, reply)
    reply.end()
  } else {
    // As a text of known length, the answer leaves in one write together with its headers.
    const text = await response.text()
    reply.writeHead(response.status, { ...answered, 'content-length': Buffer.byteLength(text) }).end(text)
  }
}

/** Forwards a stream piece by piece, no faster than the client reads. */
async function forward(body: ReadableStream<Uint8Array>, reply: ServerResponse): Promise<void> {
  try {
    for await (const chunk of body) {
      if (reply.destroyed) return
      if (!reply.write(chunk)) await readyForMore(reply)
    }
  } catch {
    // The stream was cut because the client disconnected.
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
