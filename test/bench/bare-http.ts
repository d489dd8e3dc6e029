/** The bare SDK over HTTP: `McpServer` with four static prompts, no credential, no limit, no audit. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { bareServer } from './bare-server.ts'

const handler = toNodeHandler(createMcpHandler(bareServer))
const server = createServer((request, response) => void handler(request, response))
server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`{"url":"http://127.0.0.1:${(server.address() as AddressInfo).port}"}\n`)
})
