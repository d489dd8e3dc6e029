import { request } from 'node:http'
import { expect, test } from 'vitest'
import { tempFolder } from '../../helpers/folders.ts'
import { type RunningServer, startServer } from '../../helpers/program.ts'

interface Answer {
  status: number
  text: string
}

function post(
  { url, key }: RunningServer,
  message: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const standard = {
      'x-api-key': key,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const sent = request(
      `${url}/mcp`,
      { method: 'POST', headers: { ...standard, ...headers } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject).end(JSON.stringify(message))
  })
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'prompts/list' }

test('no request ends the server or is answered as our fault', async () => {
  const server = await startServer({ PROMPTS_DATA_DIR: await tempFolder() })
  const odd = { toString: 1, valueOf: 1 }
  const hostile: [unknown, Record<string, string>?][] = [
    [LIST, { host: 'a@127.0.0.1' }],
    [{ ...LIST, method: odd }],
    [{ ...LIST, method: 'tools/call', params: { name: odd } }],
    [{ ...LIST, method: 'tools/call', params: { name: 'get_prompts', arguments: odd } }],
    [{ ...LIST, method: 'prompts/get', params: { name: odd, arguments: odd } }],
    [{ ...LIST, params: odd }],
    [[LIST, odd, null]],
    [null],
    ['text'],
  ]
  for (const [message, headers] of hostile) {
    const { status } = await post(server, message, headers)
    expect(status, JSON.stringify([message, headers])).toBeLessThan(500)
  }
  const { text } = await post(server, LIST)
  expect(text).toContain('revenue_salesforce')
  expect(server.stderr()).not.toMatch(/"level":(50|60)/)
})
