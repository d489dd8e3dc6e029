/** The floor: node:http that parses the request and answers the same JSON. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TEXT } from './text.ts'

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { id, params } = JSON.parse(Buffer.concat(chunks).toString())
  const text = TEXT.replace('{{user_name}}', params.arguments.user_name)
  const result = { messages: [{ role: 'user', content: { type: 'text', text } }] }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
})
server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`{"url":"http://127.0.0.1:${(server.address() as AddressInfo).port}"}\n`)
})
