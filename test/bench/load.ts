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

export function tokenHeader(token: string) {
  return { authorization: `Bearer ${token}` }
}

/** GET of a topic of the bench over REST. */
export function topicShot(server: string, credential: Record<string, string>, topic = 'topic_0'): Shot {
  return restShot('GET', `${server}/api/v1/prompts/${topic}`, credential, 'Hello {{user_name}}')
}

/**
 * Sends `count` requests, `shots` one after the other and again from the first, over `connections` connections; every
 * answer must hold what is expected.
 */
export async function fire(shots: readonly Shot[], count: number, connections: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let sent = 0
  const worker = async () => {
    while (sent < count) {
      const shot = shots[sent++ % shots.length] as Shot
      const answer = await send(agent, shot)
      if (!answer.includes(shot.expected)) throw new Error(`unexpected answer: ${answer.slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
}

/** Sends one request and answers the text of its answer. */
export function send(agent: Agent | undefined, { method, url, headers, body }: Shot): Promise<string> {
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

/** When the first piece of a streamed answer's text arrives, by `performance.now()`. */
export function firstDeltaAt({ url, method, headers, body }: Shot): Promise<number> {
  return new Promise((resolve, reject) => {
    let seenAt: number | undefined
    const sent = request(url, { method, headers }, (answer) => {
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        if (chunk.includes('event: delta')) seenAt ??= performance.now()
      })
      answer.on('end', () => (seenAt === undefined ? reject(new Error('no delta')) : resolve(seenAt)))
    })
    sent.on('error', reject).end(body)
  })
}
