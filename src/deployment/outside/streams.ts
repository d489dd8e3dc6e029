import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../../adapters/http/client.ts'
import { type Check, fail, ok } from '../check.ts'
import { WITH_HANDSHAKE } from './mcp.ts'

/** The server sends the first event at once. */
const FIRST_BYTE_MS = 5_000

/**
 * Whether server-sent events come when they are sent, and streams stay open. The stream is the one on which clients hear
 * of changes: its first event comes at once, its last never.
 *
 * @param holdMs how long it is listened to.
 */
export async function* checkStreams(
  url: string,
  credential: Record<string, string>,
  holdMs: number,
): AsyncIterable<Check> {
  const end = new AbortController()
  try {
    const started = performance.now()
    const first = await Promise.race([
      openStream(url, credential, end.signal),
      sleepUnless(end.signal, FIRST_BYTE_MS),
    ])
    if (first === undefined) {
      yield fail(
        `A stream's first event does not come within ${FIRST_BYTE_MS / 1000} s: a proxy holds answers back. nginx: proxy_buffering off; API Gateway: response transfer mode STREAM; also turn off compression of text/event-stream.`,
      )
      return
    }
    if (typeof first === 'string') {
      yield fail(`No stream at GET /mcp: ${first}`)
      return
    }
    yield ok(
      `A stream's first event comes after ${Math.round(performance.now() - started)} ms, while it goes on`,
    )
    const ended = await Promise.race([untilItEnds(first), sleepUnless(end.signal, holdMs)])
    const seconds = Math.round((performance.now() - started) / 1000)
    if (ended === undefined) yield ok(`The stream stays open (listened for ${seconds} s)`)
    else {
      const advice =
        'nginx: proxy_read_timeout 1h; HAProxy: timeout tunnel, timeout client and timeout server 1h; load balancers: idle timeout'
      yield fail(`The stream ends after ${seconds} s (${ended}): raise the proxy's time-outs. ${advice}.`)
    }
  } finally {
    end.abort()
  }
}

/** A timer that is left running would keep the command waiting after its last check. */
function sleepUnless(signal: AbortSignal, ms: number): Promise<undefined> {
  return sleep(ms, undefined, { signal })
}

/** The chunks of the stream, of which the first has come; or in words why there is none. */
async function openStream(url: string, credential: Record<string, string>, signal: AbortSignal) {
  try {
    const headers = { ...credential, accept: 'text/event-stream', 'mcp-protocol-version': WITH_HANDSHAKE }
    const response = await fetch(`${url}/mcp`, { headers, redirect: 'manual', signal })
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('text/event-stream') || !response.body) {
      await response.body?.cancel()
      return `status ${response.status}, ${type}`
    }
    const chunks = response.body[Symbol.asyncIterator]()
    const { done } = await chunks.next()
    return done ? 'it ends before the first event' : chunks
  } catch (error) {
    return reasonOf(error)
  }
}

/** Resolves with the reason when the stream ends. */
async function untilItEnds(chunks: AsyncIterator<unknown>): Promise<string> {
  try {
    while (!(await chunks.next()).done);
    return 'the server or a proxy ended it'
  } catch (error) {
    return reasonOf(error)
  }
}
