import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ANSWER, type OpenAiServer, startOpenAi } from '../../stand-ins/openai.ts'
import { babbles, breaksOff, fails, hangs, type Reply, says } from '../../stand-ins/openai-replies.ts'
import { ask, modelAt, REQUEST, until } from './ask.ts'

// Against a stand-in: what goes over the wire, nothing about real servers.

let server: OpenAiServer
beforeAll(async () => {
  server = await startOpenAi()
})
beforeEach(() => server.reset())
afterAll(() => server.stop())

const reason = new Error('the caller has gone')

/** Also where no stream was asked for. */
const streams: Reply = (chat) =>
  says(ANSWER.repeat(100), { everyMs: 5 })({ ...chat, body: { ...chat.body, stream: true } })

const PHASES: [name: string, reply: Reply][] = [
  ['before the head', hangs()],
  ['after the head', ({ response }) => response.flushHeaders()],
  ['in the middle of the answer', breaksOff(ANSWER, 'stall')],
  ['while the model talks', streams],
  ['while the model thinks', babbles('reasoning')],
  ['while the words of an error come', ({ response }) => void response.writeHead(400).write('{"error":')],
  [
    'after the answer, before its count of tokens',
    ({ response }) => {
      const last = 'data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(last)
    },
  ],
]

describe.each([{ isStreaming: false }, { isStreaming: true }])(
  'streaming: $isStreaming',
  ({ isStreaming }) => {
    it.each(PHASES)('ends the request %s', async (_name, reply) => {
      server.always(reply)
      const gone = new AbortController()
      const asked = ask(modelAt(server.baseUrl), isStreaming, REQUEST, gone.signal)
      await until(() => server.chats.length === 1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      const start = performance.now()
      gone.abort(reason)
      const { failure } = await asked
      expect(performance.now() - start).toBeLessThan(500)
      expect(failure).toBe(reason)
      await until(() => server.chats[0]?.outcome === 'abandoned')
      expect(server.chats).toHaveLength(1)
    })

    it('sends nothing when the signal has fired before', async () => {
      const { failure } = await ask(modelAt(server.baseUrl), isStreaming, REQUEST, AbortSignal.abort(reason))
      expect(failure).toBe(reason)
      expect(server.chats).toHaveLength(0)
    })

    it('does not ask again in another way', async () => {
      const gone = new AbortController()
      server.always((chat) => {
        chat.response.on('finish', () => gone.abort(reason))
        return fails(400, { param: 'response_format' })(chat)
      })
      const asked = ask(modelAt(server.baseUrl), isStreaming, REQUEST, gone.signal)
      expect((await asked).failure).toBe(reason)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(server.chats).toHaveLength(1)
    })
  },
)

it('ends a connection that is being made', async () => {
  // It takes the connection and never answers the handshake.
  const sockets: Socket[] = []
  const mute = createServer((socket) => void sockets.push(socket.on('error', () => {})))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const gone = new AbortController()
  const baseUrl = `https://127.0.0.1:${(mute.address() as AddressInfo).port}/v1`
  const asked = ask(modelAt(baseUrl), true, REQUEST, gone.signal)
  await until(() => sockets.length === 1)
  gone.abort(reason)
  expect((await asked).failure).toBe(reason)
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => mute.close(resolve))
})
