import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FastifyReply, fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { closeStalledConnections } from '../../../src/transport/http/slow-readers.ts'
import { waitFor } from '../../helpers/program.ts'

const TIMES = { patienceMs: 300, lookMs: 50 }
/** More than the buffers of both ends of a connection hold. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x')

/** Clients that have sent a request and read nothing yet: one of each address that `localhost` has. */
async function ask(answer: (reply: FastifyReply) => unknown, times = TIMES): Promise<Socket[]> {
  const app = fastify({ forceCloseConnections: true })
  closeStalledConnections(app, times)
  app.get('/', (_, reply) => answer(reply))
  await app.listen({ host: 'localhost', port: 0 })
  onTestFinished(() => app.close())
  return (app.addresses() as AddressInfo[]).map(({ address, port }) => {
    const client = connect(port, address)
    client.on('error', () => {}).pause()
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    onTestFinished(() => void client.destroy())
    return client
  })
}

/** What a client gets until the server hangs up on it. */
async function lengthRead(client: Socket): Promise<number> {
  let length = 0
  client.on('data', (chunk) => {
    length += chunk.length
  })
  client.resume()
  if (!client.closed) await once(client, 'close')
  return length
}

test('a client that reads nothing of its answer is hung up on, whatever it goes on to send', async () => {
  const gone: number[] = []
  const startedAt = Date.now()
  const clients = await ask((reply) => {
    reply.raw.socket?.once('close', () => gone.push(Date.now() - startedAt))
    return LARGE
  })
  const sending = setInterval(() => {
    for (const client of clients) client.write('\r\n')
  }, 20)
  onTestFinished(() => clearInterval(sending))
  await waitFor(() => gone.length === clients.length)
  expect(Math.min(...gone)).toBeGreaterThanOrEqual(TIMES.patienceMs)
  for (const client of clients) expect(await lengthRead(client)).toBeLessThan(LARGE.length)
})

test('a client that reads slowly gets all of its answer', async () => {
  const piece = LARGE.subarray(0, LARGE.length / 32)
  const [client] = await ask((reply) => {
    reply.header('connection', 'close')
    return Readable.from(Array.from({ length: 32 }, () => piece))
  })
  let read = 0
  let pauses = 0
  client?.on('data', (chunk) => {
    read += chunk.length
    // Each pause is shorter than the server's patience, and all together are much longer.
    if (read < (pauses + 1) * 2 * piece.length) return
    pauses++
    client.pause()
    setTimeout(() => client.resume(), TIMES.patienceMs / 3)
  })
  client?.resume()
  await once(client as Socket, 'end')
  expect({ all: read > LARGE.length, pauses }).toEqual({ all: true, pauses: 16 })
})

test('a client that has read what waited for it may wait for the rest as long as it takes', async () => {
  // Time enough to read all that is written at once, also where many tests run.
  const times = { patienceMs: 3_000, lookMs: 50 }
  const [client] = await ask(async (reply) => {
    reply.hijack()
    reply.raw.write(LARGE)
    await sleep(3 * times.patienceMs)
    reply.raw.end('the end')
  }, times)
  await sleep(2 * times.lookMs)
  let text = ''
  client?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-20)
  })
  client?.resume()
  await waitFor(() => text.includes('the end'))
})
