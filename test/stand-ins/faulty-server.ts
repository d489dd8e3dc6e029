import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Answer, type Asked, type Fault, LOST, type Respond } from './faults.ts'

/** One request, as the server remembers it. */
interface Seen {
  op: string
  /** Which number it has among the requests for the same operation; the first is 1. */
  nth: number
  /** Those that befell it, the outermost first. */
  faults: string[]
  /** Missing while there is no answer, and where the answer was lost. */
  status?: number
}

interface When {
  /** Operations by name or pattern; all, if left out. */
  op?: string | RegExp
  /** How often; once, if left out. */
  times?: number
  /** Share of the requests, by chance; all, if left out. */
  fraction?: number
}

/** Is told of a request, which waits for it. */
type Hook = (op: string, nth: number) => Promise<void> | void

/** An HTTP server on a loopback port that fails as a test says. */
export interface FaultyServer {
  endpoint: string
  /** In order of arrival. */
  requests: Seen[]
  /** Lets a fault befall the next requests, behind those that were injected before. */
  inject(fault: Fault, when?: When): void
  /** Before the real server sees a request. */
  beforeForward: Hook
  /** When the real server has done what was asked and the client does not know it. */
  afterForward: Hook
  /** Breaks all connections, and new ones at once, until `heal`. */
  outage(): void
  heal(): void
  /** Back to how it was at the start: no faults, hooks, outage or remembered requests. */
  reset(): void
  stop(): Promise<void>
}

const NO_HOOK: Hook = () => {}

interface Rule extends When {
  fault: Fault
  left: number
}

/** @param respond the real server. */
export async function startFaultyServer(respond: Respond): Promise<FaultyServer> {
  const requests: Seen[] = []
  const sockets = new Set<Socket>()
  let rules: Rule[] = []
  let isOut = false

  /** Through the first of the rules that applies, and from there through those behind it. */
  async function through(behind: Rule[], asked: Asked, seen: Seen): Promise<Answer | typeof LOST> {
    const at = behind.findIndex((rule) => applies(rule, asked.op))
    const rule = behind[at]
    if (!rule) return forward(asked, seen)
    rule.left--
    seen.faults.push(rule.fault.name)
    return rule.fault.act(asked, (changed) => through(behind.slice(at + 1), changed, seen))
  }

  async function forward(asked: Asked, { op, nth }: Seen) {
    await faulty.beforeForward(op, nth)
    const answer = await respond(asked)
    await faulty.afterForward(op, nth)
    return answer
  }

  const server = createServer(async (incoming, outgoing) => {
    try {
      const asked = await askedOf(incoming)
      const nth = requests.filter(({ op }) => op === asked.op).length + 1
      const seen: Seen = { op: asked.op, nth, faults: [] }
      requests.push(seen)
      const answer = await through(rules, asked, seen)
      if (answer === LOST) return void incoming.socket.destroy()
      seen.status = answer.status
      send(answer, outgoing)
    } catch {
      // Somebody hung up, or the real server is gone: that is how a client sees either.
      incoming.socket.destroy()
    }
  })
  server.on('connection', (socket) => {
    if (isOut) return void socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const faulty: FaultyServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    inject(fault, { times = 1, ...when } = {}) {
      rules.push({ ...when, fault, left: times })
    },
    beforeForward: NO_HOOK,
    afterForward: NO_HOOK,
    outage() {
      isOut = true
      for (const socket of sockets) socket.destroy()
    },
    heal() {
      isOut = false
    },
    reset() {
      rules = []
      isOut = false
      requests.length = 0
      faulty.beforeForward = NO_HOOK
      faulty.afterForward = NO_HOOK
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return faulty
}

function applies({ fault, left, op, fraction = 1 }: Rule, name: string): boolean {
  const isMeant = typeof op === 'string' ? op === name : (op?.test(name) ?? true)
  return left > 0 && isMeant && (fault.only?.test(name) ?? true) && Math.random() < fraction
}

async function askedOf(incoming: IncomingMessage): Promise<Asked> {
  const { method = '', url: path = '', headers } = incoming
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const target = headers['x-amz-target']?.toString().split('.').pop()
  const id = new URL(path, 'http://server').searchParams.get('x-id')
  const op = target ?? id ?? `${method} ${path}`
  return { op, method, path, headers, body: Buffer.concat(chunks) }
}

function send({ status, headers, body, cutAfter }: Answer, outgoing: ServerResponse): void {
  outgoing.writeHead(status, headers)
  if (cutAfter === undefined) outgoing.end(body)
  else outgoing.write(body.subarray(0, cutAfter), () => outgoing.destroy())
}
