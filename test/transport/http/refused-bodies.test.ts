import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, expectProblem, expectUnharmed, sharedApi, startApi, tokenOf } from '../../helpers/api.ts'
import { waitFor } from '../../helpers/program.ts'
import { type Outcome, type Upload, uploadClients } from '../../helpers/uploads.ts'
import { answersIn, converse, drained } from '../../helpers/wire.ts'

const server = sharedApi()
const throttling = sharedApi({ PROMPTS_LIMIT_AUTH_FAILURES: '1' })
let userToken: string
beforeAll(async () => {
  userToken = await tokenOf(server.settings, 'user', 'ursula')
})

const MIB = 1024 * 1024
const PATH = '/api/v1/admin/prompts/goals/system'
const PROBLEM = 'application/problem+json'

/** Times that each client meets each refusal, and how many of them at once. */
const ROUNDS = 2
const AT_ONCE = 4
/** Times that each piece of nonsense is sent. */
const MALFORMED = 12

interface Refusal extends Upload {
  /** Status of the refusal. */
  expected: Outcome[]
}

const isJson = { 'content-type': 'application/json' }
const asAdmin = () => ({ ...isJson, authorization: `Bearer ${server.token}` })
const withKey = (key: string) => ({ ...isJson, 'x-api-key': key })

function upload(path: string, status: number, headers: Record<string, string>, more: Partial<Refusal> = {}) {
  return { url: server.url + path, method: 'PUT', headers, size: 3 * MIB, expected: [status], ...more }
}

const refusals = (): Refusal[] => [
  upload(PATH, 413, asAdmin()),
  upload(PATH, 413, asAdmin(), { size: MIB + 1 }),
  upload('/mcp', 413, withKey(server.key), { method: 'POST' }),
  upload(PATH, 401, isJson),
  upload('/mcp', 401, isJson, { method: 'POST' }),
  upload(PATH, 403, { ...asAdmin(), origin: 'https://evil.example' }),
  upload('/mcp', 403, { ...isJson, authorization: `Bearer ${userToken}` }, { method: 'POST' }),
  upload('/nowhere', 404, { 'content-type': 'text/csv' }),
  upload(PATH, 405, asAdmin(), { method: 'PATCH' }),
  upload('/mcp', 405, isJson),
  // An address that Fastify refuses before any route.
  upload('/api/v1/%zz', 400, asAdmin()),
  // Once in a minute the address may fail.
  upload(PATH, 429, withKey('wrong'), { url: throttling.url + PATH, expected: [429, 401] }),
  upload('/mcp', 429, withKey('wrong'), {
    url: `${throttling.url}/mcp`,
    method: 'POST',
    expected: [429, 401],
  }),
]

test.each(Object.entries(uploadClients))(
  '%s: a refused upload gets an answer that arrives',
  async (_, send) => {
    const waiting = Array.from({ length: ROUNDS }, refusals).flat()
    const failures: string[] = []
    const lane = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { expected, ...one } = next
        const outcome = await send(one)
        if (!expected.includes(outcome)) failures.push(`${expected[0]} ${one.method} ${one.url}: ${outcome}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    expect(failures).toEqual([])
    await expectUnharmed(server)
  },
)

test('what is no HTTP request is refused with an answer that arrives, also while more is sent', async () => {
  const start = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\n`
  for (const [text, status] of [
    ['nonsense\r\n\r\n', 400],
    [`${start}Transfer-Encoding: chunked\r\nAuthorization: Bearer ${server.token}\r\n\r\nzz\r\n`, 400],
    [`${start}X-Padding: ${'x'.repeat(100_000)}\r\n`, 431],
  ] as const) {
    const answers: string[] = []
    const lane = async () => {
      while (answers.length <= MALFORMED - AT_ONCE) {
        const talk = (socket: Socket) => {
          socket.pause().write(text)
          socket.write(Buffer.alloc(3 * MIB, 'x'), () => socket.resume())
        }
        answers.push((await converse(server, talk, 60_000)).text)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    const statuses = answers.map((one) => answersIn(one).map((one) => one.status))
    expect({ text: text.slice(0, 40), statuses }).toEqual({
      text: text.slice(0, 40),
      statuses: answers.map(() => [status]),
    })
  }
  await expectUnharmed(server)
})

describe('a client that asks before it sends', () => {
  const asking = (...headers: string[]) =>
    `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n${headers.map((one) => `${one}\r\n`).join('')}\r\n`

  test('is refused without being told to go on', async () => {
    const allowed = `Authorization: Bearer ${server.token}`
    for (const [head, status] of [
      [asking('Content-Length: 100'), 401],
      [asking('Transfer-Encoding: chunked'), 401],
      [asking('Content-Length: 100', allowed, 'Origin: https://evil.example'), 403],
      [asking('Content-Length: 100', allowed).replace('PUT', 'PATCH'), 405],
      [asking(`Content-Length: ${MIB + 1}`, allowed), 413],
    ] as const) {
      const { text } = await converse(server, (socket) => {
        socket.write(head)
        // A client that has been refused goes away.
        socket.once('data', () => socket.end())
      })
      expect(answersIn(text).map((one) => one.status)).toEqual([status])
    }
  })

  test('is told to go on once it has been let in', async () => {
    const { text } = await converse(server, async (socket) => {
      socket.write(asking('Content-Length: 15', `Authorization: Bearer ${server.token}`, 'Connection: close'))
      await once(socket, 'data')
      socket.write('{"content":"x"}')
    })
    expect(answersIn(text).map((one) => one.status)).toEqual([100, 200])
  })
})

test('after a refusal the connection serves the next request', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<unknown>()
  agent.on('free', (socket: Socket) => ports.add(socket.localPort))
  for (let round = 0; round < 5; round++) {
    const refused = await api(server, 'PUT /admin/prompts/goals/system', { body: ' '.repeat(MIB), agent })
    expectProblem(refused, 401, 'unauthenticated')
    expect((await server.service('GET /prompts/vision', { agent })).status).toBe(200)
  }
  expect(ports.size).toBe(1)
  agent.destroy()
})

/** The heads of requests of which each is refused at once, and of one that is refused in its body. */
function refusedHeads(): [head: string, status: number][] {
  const start = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  const allowed = `Authorization: Bearer ${server.token}\r\n`
  return [
    [`${start}Content-Length: ${1024 * MIB}\r\n\r\n`, 401],
    [`${start}${allowed}Content-Length: ${1024 * MIB}\r\n\r\n`, 413],
    [`${start}Transfer-Encoding: chunked\r\n\r\n`, 401],
    [`${start}${allowed}Transfer-Encoding: chunked\r\n\r\n`, 413],
    ['nonsense\r\n\r\n', 400],
  ]
}

/** A connection on which `head` has been sent, and that goes on when the server has ended its side. */
function openConnection({ url }: { url: string }, head: string): { socket: Socket; text: () => string } {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  // A client that is cut hears of a broken pipe, or of a reset.
  socket.on('error', () => {})
  socket.write(head)
  return { socket, text: () => text }
}

test('a client that never stops sending is cut after 16 MiB', async () => {
  for (const [head, status] of refusedHeads()) {
    const { socket, text } = openConnection(server, head)
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
    let sent = 0
    while (!socket.destroyed && sent < 64 * MIB) {
      sent += chunk.length
      if (!socket.write(chunk)) await drained(socket)
      // What is in the client's buffer is lost when it is cut: it reads the answer before.
      if (sent > 2 * MIB) await waitFor(() => text() !== '')
    }
    const sizes = { enough: sent > 16 * MIB, tooMuch: sent > 32 * MIB }
    expect({ head, ...sizes }).toEqual({ head, enough: true, tooMuch: false })
    expect(answersIn(text())).toEqual([{ status, type: PROBLEM, code: expect.any(String) }])
  }
  await expectUnharmed(server)
})

test('a client that sends slowly, or no more, is cut after 5 seconds', async () => {
  const heads = refusedHeads().filter(([, status]) => status !== 413)
  const fates = await Promise.all(
    [...heads, ...heads].map(async ([head, status], index) => {
      const startedAt = Date.now()
      const { socket, text } = openConnection(server, head)
      const closed = new Promise((resolve) => socket.once('close', resolve))
      const dripping = setInterval(() => socket.write(head.includes('chunked') ? '1\r\nx\r\n' : 'x'), 100)
      if (index < heads.length) clearInterval(dripping)
      // One that sends nothing hears of the end of the server's side only.
      await (index < heads.length ? once(socket, 'end') : closed)
      clearInterval(dripping)
      socket.destroy()
      return { status, answers: answersIn(text()), seconds: (Date.now() - startedAt) / 1000 }
    }),
  )
  for (const { status, answers, seconds } of fates) {
    expect(answers).toEqual([{ status, type: PROBLEM, code: expect.any(String) }])
    expect(seconds).toBeLessThan(8)
  }
  await expectUnharmed(server)
})

test('what is dropped takes no memory', async () => {
  const residentMib = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / MIB
  }
  const send = uploadClients['node:http, chunked'] as (typeof uploadClients)[string]
  const upload15MiB = () => send({ url: server.url + PATH, method: 'PUT', headers: isJson, size: 15 * MIB })
  await Promise.all(Array.from({ length: 20 }, upload15MiB))
  const before = await residentMib()
  for (let round = 0; round < 3; round++) {
    const outcomes = await Promise.all(Array.from({ length: 20 }, upload15MiB))
    expect(new Set(outcomes)).toEqual(new Set([401]))
  }
  // 900 MiB have passed.
  expect((await residentMib()) - before).toBeLessThan(100)
})

test('clients that have been refused and still send do not hold up the end of the server', async () => {
  const stopping = await startApi()
  const sockets = [
    `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n`,
    'nonsense\r\n\r\n',
  ].map((head) => openConnection(stopping, head).socket)
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  const startedAt = Date.now()
  expect(await stopping.stop()).toEqual({ code: 0, signal: null })
  expect(Date.now() - startedAt).toBeLessThan(4_000)
})
