import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemOf, toAppError } from '../../domain/errors.ts'
import type { TextListener } from '../../domain/language-model.ts'
import { type Result, responseBody } from '../../pipeline/result.ts'
import { escapeLineBreaks } from '../../util/json.ts'
import { asksForEvents } from './accept.ts'
import { abortOnDisconnect } from './disconnect.ts'

/** How often a comment is sent on a stream on which nothing happens, so that no proxy takes it for dead. */
const HEARTBEAT_MS = 10_000

/** Whether the client asks for server-sent events. */
export function acceptsEvents({ headers }: FastifyRequest): boolean {
  return asksForEvents(headers.accept)
}

/**
 * Answers with server-sent events: `delta {"text"}`, `reset {}`, then `result` or `error`.
 *
 * What fails before there is anything to say is thrown: it becomes an ordinary problem with its status.
 *
 * @param streams see {@link Operation.streams}: `by topic` answers with events once the listener was told to begin.
 * @param run makes the result; the listener receives text while it is generated, the signal fires when the client
 *   has disconnected.
 * @returns a result that is not to be streamed and remains to be sent.
 */
export async function streamResult(
  reply: FastifyReply,
  streams: true | 'by topic',
  run: (options: { signal: AbortSignal; listener: TextListener }) => Promise<Result<unknown>>,
): Promise<Result<unknown> | undefined> {
  const stream = openEventStream(reply)
  let isStreamed = streams === true
  const heartbeat = setInterval(() => isStreamed && stream.comment(), HEARTBEAT_MS)
  const listener = {
    onBegin() {
      isStreamed = true
    },
    onText: (text: string) => stream.send('delta', { text }),
    onReset: () => stream.send('reset', {}),
  }
  try {
    const result = await run({ signal: abortOnDisconnect(reply).signal, listener })
    if (!isStreamed) return result
    stream.send('result', responseBody(result))
  } catch (error) {
    if (!stream.isOpen()) throw error
    stream.send('error', problemOf(toAppError(error)))
  } finally {
    clearInterval(heartbeat)
  }
  reply.raw.end()
  return undefined
}

/** Opened with the first event. From then on the answer is ours, past Fastify. */
function openEventStream(reply: FastifyReply) {
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
    send: (event: string, data: object) =>
      write(`event: ${event}\ndata: ${escapeLineBreaks(JSON.stringify(data))}\n\n`),
    comment: () => write(': still at work\n\n'),
  }
}
