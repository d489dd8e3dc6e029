import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { finished, type Readable } from 'node:stream'

/** How much of an unwanted body is read and dropped, and for how long. */
const MAX_DROPPED_BYTES = 16 * 1024 * 1024
const MAX_DROPPING_MS = 5_000

/** Connections whose last response has been sent and waits for the rest of its request. */
const lingering = new WeakMap<Socket, ServerResponse>()

/**
 * A response that arrives also when its request is refused before the body has been read.
 *
 * To close a connection whose client is still sending resets it, and the client is told of a broken pipe instead of the
 * response (RFC 9112, section 9.6, "Tear-down"). So the response is sent at once but ended only when the rest of
 * the body has come and been dropped, or was too much or too slow. Node then closes the connection or keeps it, as ever.
 */
export class LingeringResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Called by Node as soon as it has read `Expect: 100-continue`; a client that will be refused is not told to go on. */
  override writeContinue(callback?: () => void): void {
    this.req.once('resume', () => {
      if (!this.headersSent) super.writeContinue(callback)
    })
  }

  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    const { req } = this
    if (req.complete || !hasBody(req.headers) || lingering.get(req.socket) === this) {
      return super.end(chunk, encoding as BufferEncoding, callback as () => void)
    }
    if (typeof chunk === 'string') this.write(chunk, encoding as BufferEncoding)
    else if (chunk instanceof Uint8Array) this.write(chunk)
    else this.flushHeaders()
    lingering.set(req.socket, this)
    dropRest(req, req.socket, (hasEnded) => {
      super.end([chunk, encoding, callback].find((one) => typeof one === 'function') as () => void)
      if (lingering.get(req.socket) === this) lingering.delete(req.socket)
      if (!hasEnded) req.socket.destroySoon()
    })
    return this
  }
}

/** True when a response has been sent on this connection and the rest of its request is being dropped. */
export function isLingering(socket: Socket): boolean {
  return lingering.has(socket)
}

/** Closes a connection on which nothing more can be understood, once its client has read what was written to it. */
export function closeLingering(socket: Socket): void {
  socket.end()
  // Node's parser has failed, and would fail again with all that follows.
  socket.removeAllListeners('data')
  dropRest(socket, socket, () => socket.destroy())
}

function hasBody(headers: Record<string, unknown>): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

/** Reads and drops what comes from `source`, within the limits; `then` is told whether the end has come. */
function dropRest(source: Readable, socket: Socket, then: (hasEnded: boolean) => void): void {
  const last = socket.bytesRead + MAX_DROPPED_BYTES
  const onData = () => {
    if (socket.bytesRead > last) stop(false)
  }
  const stop = (hasEnded: boolean) => {
    clearTimeout(timer)
    removeListeners()
    source.off('data', onData)
    then(hasEnded)
  }
  const timer = setTimeout(stop, MAX_DROPPING_MS, false)
  const removeListeners = finished(source, { writable: false }, () => stop(true))
  source.on('data', onData).resume()
}
