import { type IncomingMessage, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { expectProblem, startApi } from '../../helpers/api.ts'
import { runCommand } from '../../helpers/command.ts'
import { waitFor } from '../../helpers/program.ts'
import { postMcp } from '../../helpers/raw.ts'

/** As SECURITY.md says. */
const MOST = 100

const REVISION = '2026-07-28'
const LISTEN = JSON.stringify({
  jsonrpc: '2.0',
  id: 'listen',
  method: 'subscriptions/listen',
  params: {
    notifications: { promptsListChanged: true },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': REVISION,
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})

interface Listener {
  status: number
  headers: IncomingMessage['headers']
  /** What came until now. */
  text: () => string
  isOver: () => boolean
  /** Hangs up. */
  close(): void
}

/** Asks for a stream, and answers once it is acknowledged, or refused and read to its end. */
function listen({ url }: { url: string }, headers: Record<string, string>): Promise<Listener> {
  const about = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': REVISION,
    'mcp-method': 'subscriptions/listen',
  }
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { ...about, ...headers }, agent: false }
    const sent = request(`${url}/mcp`, options, (answer) => {
      const { statusCode: status = 0, headers } = answer
      let text = ''
      let over = false
      const close = () => void sent.destroy()
      const listener = { status, headers, text: () => text, isOver: () => over, close }
      answer.on('close', () => {
        over = true
      })
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.includes('notifications/subscriptions/acknowledged')) resolve(listener)
      })
      answer.on('end', () => resolve(listener))
      // The server ends first at times, or we hang up.
      answer.on('error', () => {})
    })
    sent.on('error', reject).end(LISTEN)
    onTestFinished(() => void sent.destroy())
  })
}

test('a key holds 100 streams at most, other callers are not affected, and a closed stream is free again', async () => {
  const server = await startApi()
  const first = { 'x-api-key': server.key }
  const asked = Array.from({ length: MOST + 20 }, () => listen(server, first))
  const answers = await Promise.all(asked)
  const open = answers.filter(({ status }) => status === 200)
  const refused = answers.filter(({ status }) => status !== 200)
  expect({ open: open.length, refused: refused.length }).toEqual({ open: MOST, refused: 20 })
  for (const { status, headers, text } of refused) {
    const answer = { status, headers, text: text(), json: JSON.parse(text()) as object }
    expectProblem(answer, 429, 'rate_limited')
    const wait = Number(headers['retry-after'])
    expect({ wait, sensible: wait >= 1 && wait <= 60 }).toEqual({ wait, sensible: true })
  }

  // Whoever holds all streams is still served, and others have streams of their own.
  expect((await postMcp(server, { jsonrpc: '2.0', id: 1, method: 'prompts/list' })).status).toBe(200)
  expect((await listen(server, { authorization: `Bearer ${server.token}` })).status).toBe(200)
  const created = await runCommand(['keys', 'create', '--name', 'another'], server.settings)
  const other = { 'x-api-key': created.stdout.trim() }
  await waitFor(async () => (await listen(server, other)).status === 200, 2_000)

  // What was refused has taken nothing; what is closed is free again, and just that.
  expect((await listen(server, first)).status).toBe(429)
  open[0]?.close()
  await waitFor(async () => (await listen(server, first)).status === 200, 2_000)
  expect((await listen(server, first)).status).toBe(429)

  const { status } = await server.admin('POST /admin/prompts', {
    body: {
      topic_id: 'heard_of',
      topic_name: 'Heard of',
      topic_type: 'kpi_system',
      category: 'kpi',
      prompts: { user: 'x' },
    },
  })
  expect(status).toBe(201)
  await waitFor(() =>
    open.slice(1).every(({ text }) => text().includes('notifications/prompts/list_changed')),
  )
  expect(server.stderr()).not.toMatch(/"level":(50|60)/)
})

test('a request for a stream that is refused, or asked for in another way, holds none', async () => {
  const server = await startApi()
  const message = JSON.parse(LISTEN) as object
  const modern = { 'mcp-protocol-version': REVISION, 'mcp-method': 'subscriptions/listen' }
  const odd: [body: unknown, headers: Record<string, string>][] = [
    // Of nothing, by an older revision, several at once.
    [{ ...message, params: {} }, modern],
    [message, { 'mcp-protocol-version': '2025-11-25' }],
    [[message, message], { 'mcp-protocol-version': '2025-03-26' }],
    [[message], modern],
  ]
  for (const [body, headers] of odd) {
    // Each is answered to its end, so none of them is a stream; more than a caller may have, so none is counted.
    const answers = await Promise.all(Array.from({ length: MOST + 1 }, () => postMcp(server, body, headers)))
    const statuses = new Set(answers.map(({ status }) => status))
    expect({ headers, statuses: [...statuses].filter((status) => status >= 500) }).toEqual({
      headers,
      statuses: [],
    })
    expect((await listen(server, { 'x-api-key': server.key })).status).toBe(200)
  }
  expect(server.stderr()).not.toMatch(/"level":(50|60)/)
})

test('a stream ends when its key is revoked, and only that one', async () => {
  const server = await startApi()
  const created = await runCommand(['keys', 'create', '--name', 'leaver'], server.settings)
  const key = created.stdout.trim()
  // A server knows a new key within a second.
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  await waitFor(async () => (await postMcp({ url: server.url, key }, ping)).status !== 401, 1_000)
  const leaving = await listen(server, { 'x-api-key': key })
  const staying = await listen(server, { 'x-api-key': server.key })
  expect([leaving.status, staying.status]).toEqual([200, 200])
  await runCommand(['keys', 'revoke', 'leaver'], server.settings)
  await waitFor(() => leaving.isOver(), 2_000)
  expect(staying.isOver()).toBe(false)
})
