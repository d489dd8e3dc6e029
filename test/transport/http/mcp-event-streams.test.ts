import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { openMcp } from '../../helpers/mcp-http.ts'
import { waitFor } from '../../helpers/program.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

const LIST_CHANGED = ['notifications/prompts/list_changed', 'notifications/resources/list_changed']

interface Stream {
  status: number
  headers: IncomingMessage['headers']
  text: () => string
  /** Methods of the notifications that came. */
  heard: () => string[]
  /** Id of the last event. */
  lastId: () => string
  isOver: () => boolean
  /** Disconnects. */
  close(): void
}

function open(url: string, headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { headers: { accept: 'text/event-stream', ...headers }, agent: false },
      (answer) => {
        let text = ''
        let over = false
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        answer
          .on('error', () => {})
          .on('close', () => {
            over = true
          })
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: () => text,
          heard: () =>
            [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data as string).method),
          lastId: () => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '',
          isOver: () => over,
          close: () => void asked.destroy(),
        })
      },
    )
    asked.on('error', reject).end()
    onTestFinished(() => void asked.destroy())
  })
}

async function openStreams() {
  const services = await openServices()
  const { url, close } = await openMcp(services)
  return { url, close, change: (id: string) => put(services, topicContent(id, { user: 'Hello.' })) }
}

test('a stream of 2025 carries the changes of both lists, each once', async () => {
  const { url, change } = await openStreams()
  const stream = await open(url)
  expect(stream.status).toBe(200)
  expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
  await change('one')
  await waitFor(() => stream.heard().length > 0)
  expect(stream.heard()).toEqual(LIST_CHANGED)
})

test('clients that know empty events learn an id at once, others get no event', async () => {
  const { url } = await openStreams()
  const [knowing, other] = [
    await open(url, { 'mcp-protocol-version': '2025-11-25' }),
    await open(url, { 'mcp-protocol-version': '2025-06-18' }),
  ]
  await waitFor(() => knowing.text() !== '' && other.text() !== '')
  expect(knowing.text()).toMatch(/^id: \S+\ndata: \n\n$/)
  expect(other.text()).toMatch(/^id: \S+\n\n$/)
})

test('who comes back is told of what it has missed, and only of that', async () => {
  const { url, change } = await openStreams()
  const first = await open(url)
  await waitFor(() => first.lastId() !== '')
  const start = first.lastId()
  const nothingMissed = await open(url, { 'last-event-id': start })
  await change('one')
  await waitFor(() => first.heard().length === 2 && nothingMissed.heard().length === 2)
  const missed = await open(url, { 'last-event-id': start })
  await waitFor(() => missed.heard().length === 2)
  const ofAnotherInstance = await open(url, { 'last-event-id': 'another-7' })
  await waitFor(() => ofAnotherInstance.heard().length === 2)
  const latest = await open(url, { 'last-event-id': first.lastId() })
  await waitFor(() => latest.text() !== '')
  expect(latest.heard()).toEqual([])
})

test('what accepts no events, or speaks another revision, gets no stream', async () => {
  const { url } = await openStreams()
  expect((await open(url, { accept: 'application/json' })).status).toBe(406)
  expect((await open(url, { accept: 'text/*' })).status).toBe(200)
  const modern = await open(url, { 'mcp-protocol-version': '2026-07-28' })
  expect([modern.status, modern.headers.allow]).toEqual([405, 'POST'])
})

test('a caller holds 100 streams, and closing one makes room', async () => {
  const { url } = await openStreams()
  const open100 = await Promise.all(Array.from({ length: 101 }, () => open(url)))
  const refused = open100.filter(({ status }) => status !== 200)
  expect(refused.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([[429, '10']])
  expect((await open(url, { 'x-caller': 'another' })).status).toBe(200)
  open100.find(({ status }) => status === 200)?.close()
  await waitFor(async () => (await open(url)).status === 200)
})

test('clients that leave while they are let in hold no stream', async () => {
  let left = 0
  const { url } = await openMcp(await openServices(), async ({ raw, headers }) => {
    if (headers['x-leaves'] === undefined) return
    await once(raw.socket, 'close')
    left++
  })
  const leaving = Array.from({ length: 100 }, () => {
    const asked = request(url, { headers: { accept: 'text/event-stream', 'x-leaves': 'yes' }, agent: false })
    asked.on('error', () => {}).end(() => setTimeout(() => asked.destroy(), 50))
    return asked
  })
  await waitFor(() => left === leaving.length)
  expect((await open(url)).status).toBe(200)
})

test('the end of a session ends its streams, and no others', async () => {
  const { url } = await openStreams()
  const session = { 'mcp-session-id': 'a' }
  const [mine, other, stranger] = [
    await open(url, session),
    await open(url, { 'mcp-session-id': 'b' }),
    await open(url, { ...session, 'x-caller': 'another' }),
  ]
  expect((await fetch(url, { method: 'DELETE', headers: session })).status).toBe(204)
  await waitFor(() => mine.isOver())
  expect([other.isOver(), stranger.isOver()]).toEqual([false, false])
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(204)
})

test('streams end with the server', async () => {
  const { url, close } = await openStreams()
  const stream = await open(url)
  await close()
  await waitFor(() => stream.isOver())
})
