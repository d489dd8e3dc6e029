import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServer } from '@modelcontextprotocol/server'

/** Serves MCP by the SDK's own handler alone: no credential, no limit, no audit. */
export function listenBare(makeServer: () => McpServer): void {
  const handler = toNodeHandler(createMcpHandler(makeServer))
  const server = createServer((request, response) => void handler(request, response))
  server.listen(0, '127.0.0.1', () => {
    process.stderr.write(`{"url":"http://127.0.0.1:${(server.address() as AddressInfo).port}"}\n`)
  })
}
