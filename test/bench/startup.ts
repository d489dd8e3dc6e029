import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Seconds from spawning a stdio server to its answer to the first `prompts/list`, over a 2025-11-25 handshake. */
export async function firstListSeconds(
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  }
  send({ id: 1, method: 'initialize', params })
  for await (const line of createInterface(child.stdout)) {
    const { id, error } = JSON.parse(line)
    if (error) throw new Error(line)
    if (id === 1) {
      send({ method: 'notifications/initialized' })
      send({ id: 2, method: 'prompts/list' })
    }
    if (id === 2) break
  }
  const seconds = (performance.now() - startedAt) / 1000
  child.stdin.end()
  await once(child, 'close')
  return seconds
}
