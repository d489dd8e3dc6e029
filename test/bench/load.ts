import { Agent, request } from 'node:http'

/** A request to send again and again. */
export interface Shot {
  url: string
  headers: Record<string, string>
  body: string
}

/** `prompts/get` as a client of the 2026-07-28 revision sends it. */
export function modernShot(server: string, name: string, key: string): Shot {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'prompts/get', 'mcp-name': name }
  return shot(server, key, headers, { name, arguments: { user_name: 'Ada' }, _meta })
}

/** The same as a client of the 2025-11-25 revision sends it. */
export function legacyShot(server: string, name: string, key: string): Shot {
  return shot(
    server,
    key,
    { 'mcp-protocol-version': '2025-11-25' },
    { name, arguments: { user_name: 'Ada' } },
  )
}

function shot(server: string, key: string, headers: Record<string, string>, params: object): Shot {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'prompts/get', params })
  const standard = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    accept: 'application/json, text/event-stream',
    'x-api-key': key,
  }
  return { url: `${server}/mcp`, headers: { ...standard, ...headers }, body }
}

/** Sends `count` requests over `connections` connections; every answer must hold the prompt. */
export async function fire({ url, headers, body }: Shot, count: number, connections = 8): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let left = count
  const worker = async () => {
    while (left-- > 0) {
      const answer = await send(agent, url, headers, body)
      if (!answer.includes('Hello Ada')) throw new Error(`unexpected answer: ${answer.slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
}

function send(agent: Agent, url: string, headers: Record<string, string>, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text)).on('error', reject)
    })
    sent.on('error', reject).end(body)
  })
}
