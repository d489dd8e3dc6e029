import type { Readable, Writable } from 'node:stream'
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  ProtocolErrorCode,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/server'
import { escapeLineBreaks, NOT_JSON, parseJson } from '../../util/json.ts'
import { createLineReader } from './line-reader.ts'
import { normalizeMessage } from './normalize.ts'

/** Largest message read. Far above what any operation takes, so that they answer `too_large` themselves. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024
const SPACE = 32
/** A request that is answered when its stream ends, at the latest with the connection (MCP 2026-07-28). */
const STREAM_METHOD = 'subscriptions/listen'

/**
 * JSON-RPC over a pair of streams, one message a line. Unlike the SDK's transport it answers what it cannot read
 * (JSON-RPC 2.0, §5.1) instead of dropping it, a line that is too long costs that line, not the connection, and the end
 * of input ends the connection only when every request has been answered.
 *
 * @param onClosed called once, when the connection has ended.
 */
export function stdioTransport(input: Readable, output: Writable, onClosed: () => void): Transport {
  const lines = createLineReader(MAX_MESSAGE_BYTES, receiveLine)
  let closed = false
  let ended = false
  /** Requests without an answer, but for streams, which have none. */
  const unanswered = new Set<string | number>()

  const transport: Transport = {
    async start() {
      input.on('data', lines.read)
      input.on('error', (error) => transport.onerror?.(error))
      input.on('end', end)
      input.on('close', () => !ended && close())
      output.on('drain', () => input.resume())
      // The client has disconnected.
      output.on('error', close)
    },
    async send(message) {
      if (closed) return
      // A client that does not read its answers is not read from either.
      if (!output.write(escapeLineBreaks(serializeMessage(message)))) input.pause()
      if ('id' in message && !('method' in message)) unanswered.delete(message.id as string | number)
      closeIfAnswered()
    },
    async close() {
      close()
    },
  }
  return transport

  function close(): void {
    if (closed) return
    closed = true
    input.off('data', lines.read)
    input.pause()
    transport.onclose?.()
    onClosed()
  }

  function end(): void {
    lines.end()
    ended = true
    closeIfAnswered()
  }

  function closeIfAnswered(): void {
    if (ended && unanswered.size === 0) close()
  }

  function receiveLine(line: Buffer | undefined): void {
    if (line === undefined) {
      refuse(ProtocolErrorCode.InvalidRequest, `The message is larger than ${MAX_MESSAGE_BYTES} bytes.`)
    } else if (line.some((byte) => byte > SPACE)) receive(parseJson(line))
  }

  function receive(message: unknown): void {
    if (message === NOT_JSON) {
      refuse(ProtocolErrorCode.ParseError, 'The line is not JSON.')
      return
    }
    normalizeMessage(message)
    if (isMessage(message)) {
      expectAnswer(message)
      transport.onmessage?.(message)
    } else refuse(ProtocolErrorCode.InvalidRequest, 'The line is not a JSON-RPC 2.0 message.', idOf(message))
  }

  /** A cancelled request gets no answer. */
  function expectAnswer(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message) && message.method !== STREAM_METHOD) unanswered.add(message.id)
    else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      unanswered.delete(message.params?.['requestId'] as string | number)
    }
  }

  function refuse(code: number, message: string, id: string | number | null = null): void {
    output.write(`${escapeLineBreaks(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }))}\n`)
  }
}

function isMessage(value: unknown): value is JSONRPCMessage {
  return (
    isJSONRPCRequest(value) ||
    isJSONRPCNotification(value) ||
    isJSONRPCResultResponse(value) ||
    isJSONRPCErrorResponse(value)
  )
}

function idOf(value: unknown): string | number | null {
  const { id } = (typeof value === 'object' && value !== null ? value : {}) as { id?: unknown }
  // A number that may have been rounded would be no answer to any request.
  return typeof id === 'string' || Number.isSafeInteger(id) ? (id as string | number) : null
}
