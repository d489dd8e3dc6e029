import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Awaitable } from '../../../domain/awaitable.ts'
import { problemOf, toAppError } from '../../../domain/errors.ts'
import type { CallContext, Result } from '../../../pipeline/operation.ts'

/** How often something is said on a stream on which nothing happens, so that no proxy takes it for dead. */
const HEARTBEAT_MS = 10_000

/** Asks the model, for as long as `signal` does not fire; `listener` is shown what it says. */
export type ModelCall = (context: Pick<CallContext, 'signal' | 'listener'>) => Awaitable<Result<unknown>>

/** A signal that fires when the client has hung up before its answer was written. */
export function disconnectSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort()
  })
  return controller.signal
}

export function wantsEvents({ headers }: FastifyRequest): boolean {
  return /\btext\/event-stream\b/i.test(headers.accept ?? '')
}

/**
 * Answers with server-sent events (spec §6): `delta {"text"}`, `reset {}`, then `result` or `error`.
 *
 * What fails before there is anything to say is thrown: it becomes an ordinary problem with its status.
 */
export async function streamEvents(reply: FastifyReply, call: ModelCall): Promise<void> {
  const stream = eventStream(reply)
  const heartbeat = setInterval(stream.beat, HEARTBEAT_MS)
  const listener = {
    onText: (text: string) => stream.send('delta', { text }),
    onReset: () => stream.send('reset', {}),
  }
  try {
    stream.send('result', await call({ signal: disconnectSignal(reply), listener }))
  } catch (error) {
    if (!stream.isOpen()) throw error
    stream.send('error', problemOf(toAppError(error)))
  } finally {
    clearInterval(heartbeat)
  }
  reply.raw.end()
}

/** Opened with the first event. From then on the answer is ours, past Fastify. */
function eventStream(reply: FastifyReply) {
  const { raw } = reply
  let isOpen = false
  const write = (text: string) => {
    if (!isOpen) {
      isOpen = true
      reply.hijack()
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies such as nginx would hold events back.
        'x-accel-buffering': 'no',
      })
    }
    if (!raw.destroyed && !raw.writableEnded) raw.write(text)
  }
  return {
    isOpen: () => isOpen,
    send: (event: string, data: object) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    beat: () => write(': still at work\n\n'),
  }
}
