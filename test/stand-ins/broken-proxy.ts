import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** What a proxy does wrong. */
export interface Faults {
  /** Keeps an answer back until it has all of it. */
  buffers?: boolean
  /** Ends every answer after so many milliseconds. */
  cutsAfterMs?: number
  /** Changes an answer's headers. */
  headers?: (headers: IncomingMessage['headers']) => void
  /** Answers these requests itself, with 404. */
  keeps?: (request: IncomingMessage) => boolean
  tls?: ServerOptions
}

/** A reverse proxy before a server, with faults. The name of the host that was asked for is passed on. */
export async function startProxy(target: string, faults: Faults): Promise<{ url: string }> {
  const pass: RequestListener = (incoming, outgoing) => {
    if (faults.keeps?.(incoming)) return void outgoing.writeHead(404).end('not here')
    const { method, url, headers } = incoming
    const onward = request(new URL(url ?? '/', target), { method, headers, agent: false }, (answer) =>
      passBack(answer, outgoing, faults),
    )
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }
  const server = faults.tls ? createTlsServer(faults.tls, pass) : createServer(pass)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${faults.tls ? 'https://localhost' : 'http://127.0.0.1'}:${port}` }
}

async function passBack(answer: IncomingMessage, outgoing: ServerResponse, faults: Faults): Promise<void> {
  faults.headers?.(answer.headers)
  if (faults.buffers) {
    const body = await buffer(answer).catch(() => Buffer.alloc(0))
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body)
    return
  }
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  answer.pipe(outgoing)
  if (faults.cutsAfterMs !== undefined) setTimeout(() => outgoing.destroy(), faults.cutsAfterMs).unref()
}
