import { Agent, request } from 'node:http'
import type { Answer, Asked } from './faults.ts'
import { type FaultyServer, startFaultyServer } from './faulty-server.ts'

/** Headers that belong to one connection, and those that would be wrong once a fault has changed a body. */
const NOT_FORWARDED = ['connection', 'keep-alive', 'expect', 'transfer-encoding', 'x-amz-crc32']

/**
 * Starts a proxy before a real server that fails as a test says. `Host` goes on as the client sent it, because the
 * client has signed it.
 */
export async function startFaultProxy(target: string): Promise<FaultyServer> {
  const agent = new Agent({ keepAlive: true })
  const proxy = await startFaultyServer((asked) => forward(target, agent, asked))
  const { stop } = proxy
  proxy.stop = async () => {
    await stop()
    agent.destroy()
  }
  return proxy
}

function forward(target: string, agent: Agent, { method, path, headers, body }: Asked): Promise<Answer> {
  const { hostname, port } = new URL(target)
  const length = body.length > 0 && { 'content-length': `${body.length}` }
  const sent = { ...without(headers), ...length }
  return new Promise((resolve, reject) => {
    const forwarded = request({ hostname, port, method, path, headers: sent, agent }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const { statusCode: status = 502, headers } = answer
        resolve({ status, headers: without(headers), body: Buffer.concat(chunks) })
      })
    })
    forwarded.on('error', reject).end(body)
  })
}

function without(headers: Asked['headers']): Asked['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_FORWARDED.includes(name)))
}
