import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A web-standard handler, as the SDK makes it. */
type Fetch = (request: Request, options: { parsedBody: unknown; authInfo: AuthInfo }) => Promise<Response>
type AuthInfo = { token: string; clientId: string; scopes: string[]; extra: Record<string, unknown> }

/**
 * Answers a Node request through a web-standard handler. Unlike the SDK's own adapter it gives the handler the
 * parsed body alone, instead of writing it back to JSON for a request stream that nobody reads: a fifth of the
 * cost of a request.
 */
export async function exchange(
  fetch: Fetch,
  message: IncomingMessage,
  reply: ServerResponse,
  options: { parsedBody: unknown; authInfo: AuthInfo },
): Promise<void> {
  const goneAway = new AbortController()
  reply.once('close', () => {
    if (!reply.writableFinished) goneAway.abort()
  })
  const request = new Request(`http://${message.headers.host}${message.url}`, {
    method: 'POST',
    headers: message.headers as Record<string, string>,
    signal: goneAway.signal,
  })
  const response = await fetch(request, options)
  const headers = Object.fromEntries(response.headers)
  if (response.headers.get('content-type') === 'text/event-stream' && response.body) {
    reply.writeHead(response.status, headers)
    await forward(response.body, reply)
    reply.end()
  } else {
    // As a text of known length, the answer leaves in one write together with its headers.
    const text = await response.text()
    reply.writeHead(response.status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text)
  }
}

/** Forwards a stream piece by piece, no faster than the client reads. */
async function forward(body: ReadableStream<Uint8Array>, reply: ServerResponse): Promise<void> {
  try {
    for await (const chunk of body) {
      if (reply.destroyed) return
      if (!reply.write(chunk)) await Promise.race([once(reply, 'drain'), once(reply, 'close')])
    }
  } catch {
    // The stream was cut because the client went away: nobody is left to tell.
  }
}
