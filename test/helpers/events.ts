import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'

interface Event {
  event: string
  data: unknown
  /** By `performance.now()`. */
  at: number
}

/** A POST whose answer is read as server-sent events while it arrives. */
export interface EventClient {
  events: Event[]
  /** Rejects when the connection breaks. */
  ended: Promise<{ status: number; type: string; text: string }>
  /** The deltas so far; empty after each reset. */
  textOf(): string
  hangUp(): void
}

export function postForEvents(url: string, headers: Record<string, string>, body: object): EventClient {
  const events: Event[] = []
  const about = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const request = url.startsWith('https:') ? overHttps : overHttp
  const sent = request(url, { method: 'POST', headers: { ...about, ...headers }, agent: false })
  const ended = new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    sent.on('error', reject).on('response', (answer) => {
      let text = ''
      let rest = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        rest += chunk
        const blocks = rest.split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
          if (event !== '') events.push({ event, data: JSON.parse(data), at: performance.now() })
        }
      })
      const type = String(answer.headers['content-type'])
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, type, text })).on('error', reject)
    })
  })
  ended.catch(() => {})
  sent.end(JSON.stringify(body))
  return {
    events,
    ended,
    textOf() {
      const start = events.findLastIndex(({ event }) => event === 'reset') + 1
      const deltas = events.slice(start).filter(({ event }) => event === 'delta')
      return deltas.map(({ data }) => (data as { text: string }).text).join('')
    },
    hangUp: () => void sent.destroy(),
  }
}
