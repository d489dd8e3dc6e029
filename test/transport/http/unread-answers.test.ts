import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { dropUnreadAnswers } from '../../../src/transport/http/unread-answers.ts'
import { waitFor } from '../../helpers/program.ts'

const TIMES = { patienceMs: 300, lookMs: 50 }
/** More than the buffers of both ends of a connection hold. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x')

/** A client that has sent a request and reads nothing yet, and whether the server has let go of its connection. */
async function ask(answer: RequestListener): Promise<{ client: Socket; isDropped: () => boolean }> {
  const server = createServer(answer)
  dropUnreadAnswers(server, TIMES)
  let isDropped = false
  server.on('connection', (socket) =>
    socket.on('close', () => {
      isDropped = true
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {}).pause()
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { client, isDropped: () => isDropped }
}

test('a client that reads nothing of its answer is hung up on', async () => {
  const startedAt = Date.now()
  const { isDropped } = await ask((_, answer) => answer.end(LARGE))
  await waitFor(isDropped)
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(TIMES.patienceMs)
})

test('a client that reads slowly gets all of its answer', async () => {
  const { client } = await ask((_, answer) => answer.writeHead(200, { connection: 'close' }).end(LARGE))
  let read = 0
  client.on('data', (chunk) => {
    read += chunk.length
    // Twenty pauses, of which each is shorter than the server's patience, and all together are much longer.
    if (Math.floor((read / LARGE.length) * 20) === Math.floor(((read - chunk.length) / LARGE.length) * 20))
      return
    client.pause()
    setTimeout(() => client.resume(), TIMES.patienceMs / 3)
  })
  client.resume()
  await once(client, 'end')
  expect(read).toBeGreaterThan(LARGE.length)
})

test('a client that has read what waited for it may wait for the rest as long as it takes', async () => {
  const { client, isDropped } = await ask(async (_, answer) => {
    answer.write(LARGE)
    await sleep(5 * TIMES.patienceMs)
    answer.end('the end')
  })
  await sleep(2 * TIMES.lookMs)
  let text = ''
  client.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-20)
  })
  client.resume()
  await waitFor(() => text.includes('the end'))
  expect(isDropped()).toBe(false)
})
