import { reasonOf } from '../../adapters/http/client.ts'
import { NOT_JSON, ownMember, parseJson } from '../../util/json.ts'

const TIMEOUT_MS = 10_000

/** What a server answered. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The body as JSON, or of an event stream the data of its last event; `undefined` when it is neither. */
  json: unknown
  /** When it was asked and when it had answered, in milliseconds since 1970. */
  asked: number
  answered: number
}

export interface ProbeOptions {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

/**
 * Sends one request as a client would; redirects are answers.
 *
 * @returns the answer, or in words why there is none.
 */
export async function probe(url: string, options: ProbeOptions = {}): Promise<Answer | string> {
  const { method = 'GET', headers = {}, body } = options
  const asked = Date.now()
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    const { status } = response
    return { status, headers: response.headers, text, json: jsonIn(text), asked, answered: Date.now() }
  } catch (error) {
    return reasonOf(error)
  }
}

function jsonIn(text: string): unknown {
  const events = [...text.matchAll(/^data: (.+)$/gm)]
  const value = parseJson(Buffer.from(events.at(-1)?.[1] ?? text))
  return value === NOT_JSON ? undefined : value
}

/** What came instead of what was expected, for a sentence: `status 404: There is nothing at this address.` */
export function insteadOf(answer: Answer | string): string {
  if (typeof answer === 'string') return answer
  const { status, json, headers } = answer
  const detail = ownMember(json, 'detail')
  const location = headers.get('location')
  const more = typeof detail === 'string' ? `: ${detail}` : location === null ? '' : `, to ${location}`
  return `status ${status}${more}`
}

/** A text that a JSON answer holds under `name`. */
export function textIn(json: unknown, name: string): string | undefined {
  const value = ownMember(json, name)
  return typeof value === 'string' ? value : undefined
}
