import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { onTestFinished } from 'vitest'
import { type Environment, environmentOf, PROGRAM, waitFor } from './program.ts'

/** A JSON-RPC message as it comes over the wire. */
export interface RpcMessage {
  jsonrpc?: unknown
  id?: unknown
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
}

export interface RawStdio {
  process: ChildProcess
  /** Writes bytes as they are. */
  write(text: string | Buffer): void
  /** Writes one message as one line. */
  send(message: unknown): void
  /** The answer to the request `id`. */
  answer(id: unknown, timeoutMs?: number): Promise<RpcMessage>
  stdout: () => string
  stderr: () => string
  /** How the program ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts `stdio` with nothing between it and the test; killed after the test. */
export function startStdio(settings: Environment, words: string[] = []): RawStdio {
  const child = spawn(process.execPath, [PROGRAM, 'stdio', ...words], { env: environmentOf(settings) })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  // A program that has just ended closes the pipe under a late write.
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal })) as RawStdio['ended']
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    process: child,
    write: (text) => void child.stdin.write(text),
    send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    answer: (id, timeoutMs) =>
      waitFor(() => messagesIn(stdout).find((message) => message.id === id && !message.method), timeoutMs),
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
  }
}

/** Every complete line as JSON; throws for a line that is none. */
export function messagesIn(stdout: string): RpcMessage[] {
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RpcMessage)
}

export interface RawAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** One HTTP request; unlike `fetch` it may carry any header, also `Host`. */
export function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<RawAnswer> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** `POST /mcp` as a client of 2025 sends it. `body` is sent as it is when it is text. */
export function postMcp(
  { url, key }: { url: string; key?: string },
  body: unknown,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  return ask(new URL('/mcp', url).href, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(key !== undefined && { 'x-api-key': key }),
      ...headers,
    },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  })
}

/** The JSON-RPC messages of an answer, whether it came as JSON or as an event stream. */
export function rpcIn({ headers, text }: RawAnswer): RpcMessage[] {
  if (!headers['content-type']?.startsWith('text/event-stream')) {
    return [JSON.parse(text) as RpcMessage | RpcMessage[]].flat()
  }
  const data = text.split('\n').filter((line) => line.startsWith('data: {'))
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as RpcMessage)
}

/** The opening request of the 2025-era revisions. */
export function initialize(protocolVersion = '2025-11-25', id: unknown = 0) {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1.0.0' } }
  return { jsonrpc: '2.0', id, method: 'initialize', params }
}
