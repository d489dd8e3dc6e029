import { Agent, request } from 'node:http'

/** A request to send again and again. */
export interface Shot {
  method: 'GET' | 'POST' | 'PUT'
  url: string
  headers: Record<string, string>
  body: string
  /** A text that every answer must hold. */
  expected: string
}

/** A REST request with a credential in its headers. */
export function restShot(
  method: Shot['method'],
  url: string,
  credential: Record<string, string>,
  expected: string,
  body?: object,
): Shot {
  const text = body === undefined ? '' : JSON.stringify(body)
  const about = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
  return { method, url, headers: { ...credential, ...(body && about) }, body: text, expected }
}

export function keyHeader(key: string) {
  return { 'x-api-key': key }
}

/** GET of the bench's first topic over REST. */
export function topicShot(server: string, credential: Record<string, string>): Shot {
  return restShot('GET', `${server}/api/v1/prompts/topic_0`, credential, 'Hello {{user_name}}')
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
  return {
    method: 'POST',
    url: `${server}/mcp`,
    headers: { ...standard, ...headers },
    body,
    expected: 'Hello Ada',
  }
}

/** Sends `count` requests over `connections` connections; every answer must hold what is expected. */
export async function fire(shot: Shot, count: number, connections = 8): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let left = count
  const worker = async () => {
    while (left-- > 0) {
      const answer = await send(agent, shot)
      if (!answer.includes(shot.expected)) throw new Error(`unexpected answer: ${answer.slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
}

/** Sends one request and answers the text of its answer. */
export function send(agent: Agent, { method, url, headers, body }: Shot): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text)).on('error', reject)
    })
    sent.on('error', reject).end(body)
  })
}
