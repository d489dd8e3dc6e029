import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { type AddressInfo, createServer as createPort, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Break,
  converseOutput,
  httpError,
  type Message,
  type Reply,
  streamEvents,
} from './bedrock-replies.ts'
import { eventFrame, exceptionFrame } from './event-stream.ts'

/** How an exchange ended: with the whole scripted answer, by the script, or because the client went away before. */
type End = 'answered' | 'broken' | 'client gone'

/** The members of a request's body that tests look at, as they are on the wire. */
interface ConverseBody {
  system?: { text: string }[]
  messages: { role: string; content: { text: string }[] }[]
  inferenceConfig?: { maxTokens?: number; temperature?: number }
  toolConfig?: {
    tools: { toolSpec: { name: string; description: string; inputSchema: { json: object } } }[]
    toolChoice?: object
  }
  guardrailConfig?: object
  additionalModelRequestFields?: object
  performanceConfig?: object
}

/** One request, as the server remembers it. */
interface ConverseRequest {
  operation: 'Converse' | 'ConverseStream'
  modelId: string
  /** `1.1` or `2.0`. */
  httpVersion: string
  body: ConverseBody
  /** When each event of a stream was handed to the network, by `performance.now()` of this process. */
  sentAt: { type: string; at: number }[]
  /** Missing while it goes on. */
  end?: End
  /** When it has ended. */
  ended: Promise<End>
}

export interface BedrockRuntime {
  endpoint: string
  /** In order of arrival. */
  requests: ConverseRequest[]
  /** Answers the next requests, one reply each, in order. */
  enqueue(...replies: Reply[]): void
  /** Answers every request for which nothing is queued; without it such a request gets an error 500. */
  always(reply: Reply | ((request: ConverseRequest) => Reply)): void
  /** Says which requests the model refuses, and how, before anything that is queued; nothing unless set. */
  refuse(refusal: (request: ConverseRequest) => Reply | undefined): void
  /** Queued replies that no request has had yet. */
  readonly pending: number
  /** How many connections are open. */
  readonly connections: number
  /** Back to how it was at the start: no replies, no remembered requests. */
  reset(): void
  stop(): Promise<void>
}

/** Remembers how an exchange ended; the first word counts. */
type Finish = (end: End) => void
type Incoming = IncomingMessage | Http2ServerRequest
type Outgoing = ServerResponse | Http2ServerResponse
/** What both kinds of response do alike; their overloads have no common signature. */
type Writer = Pick<ServerResponse, 'writeHead' | 'flushHeaders' | 'write' | 'end'>

/** Time for what was written to reach the client before its connection breaks. */
const ARRIVAL_MS = 50

/**
 * Starts a stand-in of Bedrock Runtime: Converse and ConverseStream with scripted replies, over HTTP/2 and HTTP/1.1 on
 * one loopback port. It knows no models and checks neither signatures nor requests. What it proves is how this program
 * deals with the wire: frames, errors, silence and breaks. How a model answers, and what Bedrock accepts, it cannot
 * tell.
 */
export async function startBedrockRuntime(): Promise<BedrockRuntime> {
  const requests: ConverseRequest[] = []
  const sockets = new Set<Socket>()
  let queue: Reply[] = []
  let replyOf: (request: ConverseRequest) => Reply = unscripted
  let refusalOf: (request: ConverseRequest) => Reply | undefined = () => undefined

  async function serve(incoming: Incoming, outgoing: Outgoing): Promise<void> {
    const found = /^\/model\/([^/]+)\/(converse|converse-stream)$/.exec(incoming.url ?? '')
    if (!found) return sendError(outgoing, 404, 'UnknownOperationException', 'This is not answered here.')
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { request, finish } = remembered({
      operation: found[2] === 'converse' ? 'Converse' : 'ConverseStream',
      modelId: decodeURIComponent(found[1] ?? ''),
      httpVersion: incoming.httpVersion,
      body: JSON.parse(Buffer.concat(chunks).toString()) as ConverseBody,
    })
    requests.push(request)
    outgoing.on('close', () => finish('client gone'))
    await answer(request, refusalOf(request) ?? queue.shift() ?? replyOf(request), outgoing, finish)
  }

  const safely = (incoming: Incoming, outgoing: Outgoing) => {
    // A client that hung up waits for no answer.
    serve(incoming, outgoing).catch(() => breakOff(outgoing))
  }
  const http1 = createServer(safely)
  const http2 = createHttp2Server(safely)
  http2.on('sessionError', () => {})
  // As servers of HTTP do by themselves: small events must not wait for company.
  const port = createPort({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.once('readable', () => {
      const first: Buffer | null = socket.read()
      if (!first) return
      socket.unshift(first)
      // A client of HTTP/2 begins with "PRI * HTTP/2.0".
      const server = first.subarray(0, 3).toString() === 'PRI' ? http2 : http1
      server.emit('connection', socket)
    })
  })
  await new Promise<void>((resolve) => port.listen(0, '127.0.0.1', resolve))

  return {
    endpoint: `http://127.0.0.1:${(port.address() as AddressInfo).port}`,
    requests,
    enqueue(...replies) {
      queue.push(...replies)
    },
    always(reply) {
      replyOf = typeof reply === 'function' ? reply : () => reply
    },
    refuse(refusal) {
      refusalOf = refusal
    },
    get pending() {
      return queue.length
    },
    get connections() {
      return sockets.size
    },
    reset() {
      queue = []
      requests.length = 0
      refusalOf = () => undefined
      replyOf = unscripted
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => port.close(resolve))
    },
  }
}

const unscripted = () => httpError('InternalServerException', 500, 'No reply is scripted.')

function remembered(start: Pick<ConverseRequest, 'operation' | 'modelId' | 'httpVersion' | 'body'>) {
  let tell: (end: End) => void = () => {}
  const ended = new Promise<End>((resolve) => {
    tell = resolve
  })
  const request: ConverseRequest = { ...start, sentAt: [], ended }
  const finish: Finish = (end) => {
    request.end ??= end
    tell(request.end)
  }
  return { request, finish }
}

async function answer(
  request: ConverseRequest,
  reply: Reply,
  outgoing: Outgoing,
  finish: Finish,
): Promise<void> {
  if (reply.delayMs) await sleep(reply.delayMs)
  if (request.end || reply.kind === 'hang') return
  if (reply.kind === 'reset') {
    finish('broken')
    return breakOff(outgoing)
  }
  if (reply.kind === 'error') {
    sendError(outgoing, reply.status, reply.type, reply.message)
    return finish('answered')
  }
  if (request.operation === 'Converse') return answerAtOnce(reply, outgoing, finish)
  const writer = outgoing as Writer
  writer.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-requestid': randomUUID(),
  })
  writer.flushHeaders()
  for (const [type, payload] of streamEvents(reply)) {
    if (request.end) return
    request.sentAt.push({ type, at: performance.now() })
    writer.write(eventFrame(type, payload))
    if (reply.gapMs && type !== 'metadata') await sleep(reply.gapMs)
  }
  await conclude(reply.breaks, outgoing, finish)
}

async function answerAtOnce(reply: Message, outgoing: Outgoing, finish: Finish): Promise<void> {
  const body = converseOutput(reply)
  const isCut = reply.breaks === 'end' || reply.breaks === 'reset' || reply.breaks === 'stall'
  const writer = outgoing as Writer
  writer.writeHead(200, { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID() })
  writer.write(isCut ? body.slice(0, body.length / 2) : body)
  await conclude(isCut ? reply.breaks : undefined, outgoing, finish)
}

async function conclude(breaks: Break | undefined, outgoing: Outgoing, finish: Finish): Promise<void> {
  if (breaks === 'linger') return finish('answered')
  if (breaks === 'stall') return
  if (breaks === 'reset') {
    await sleep(ARRIVAL_MS)
    finish('broken')
    return breakOff(outgoing)
  }
  const writer = outgoing as Writer
  if (typeof breaks === 'object') {
    writer.write(exceptionFrame(breaks.exception, { message: breaks.message }))
  }
  writer.end()
  finish(breaks ? 'broken' : 'answered')
}

function sendError(outgoing: Outgoing, status: number, type: string, message: string): void {
  sendJson(outgoing, status, { message }, { 'x-amzn-errortype': type })
}

function sendJson(
  outgoing: Outgoing,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  const writer = outgoing as Writer
  writer.writeHead(status, {
    'content-type': 'application/json',
    'x-amzn-requestid': randomUUID(),
    ...headers,
  })
  writer.end(JSON.stringify(body))
}

/** Breaks the connection. */
function breakOff(outgoing: Outgoing): void {
  if ('stream' in outgoing) outgoing.stream?.session?.destroy()
  else outgoing.socket?.destroy()
}
