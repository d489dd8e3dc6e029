import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { onTestFinished } from 'vitest'
import type { Caller } from '../../src/domain/caller.ts'
import type { Services } from '../../src/pipeline/operation.ts'
import { createMcpServer } from '../../src/transport/mcp/server.ts'
import { executeOver } from './pipeline.ts'

const ADMIN: Caller = { kind: 'local', subject: 'test', role: 'admin' }

/** Connects a 2025-era client to the MCP handlers over `services`, without a process or a socket. */
export async function connectInMemory(services: Services, caller: Partial<Caller> = {}): Promise<Client> {
  const execute = executeOver(services)
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const server = createMcpServer(
    { execute, catalog: services.catalog, caller: { ...ADMIN, ...caller } },
    'none',
  )
  await server.connect(ours)
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(theirs)
  onTestFinished(() => client.close())
  return client
}
