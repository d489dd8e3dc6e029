import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Shot } from './load.ts'
import { anyOf, type Kind } from './soak-mix.ts'

/** How a request ended. */
export interface Ended {
  kind: string
  /** Seconds since the load began, and milliseconds until the answer, both from when the request was due. */
  due: number
  ms: number
  /** How often it was repeated. */
  repeated: number
  /** What came instead of an answer, when repeating did not help or was not allowed. */
  fault: string | undefined
}

/** Clients at the same time while capacity is measured. */
const CLIENTS = 32
/** Requests that may be on their way; when there are as many, the next ones are late. */
const MOST_UNANSWERED = 500
const TICK_MS = 5
/** As a careful client repeats. */
const REPEATS = 5
const PAUSE_MS = 250

/** Requests a second that are answered when each of {@link CLIENTS} sends the next one as soon as it has its answer. */
export async function capacity(kinds: readonly Kind[], seconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const end = performance.now() + seconds * 1_000
  let answered = 0
  const client = async () => {
    while (performance.now() < end) {
      const { fault } = await sendPatiently(agent, anyOf(kinds))
      if (fault !== undefined) throw new Error(`not ready for a load: ${fault}`)
      answered++
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  agent.destroy()
  return answered / seconds
}

/** Sends `rate` requests a second, whether or not the earlier ones have been answered. */
export async function sendAtRate(kinds: readonly Kind[], rate: number, seconds: number): Promise<Ended[]> {
  const agent = new Agent({ keepAlive: true })
  const startedAt = performance.now()
  const ended: Ended[] = []
  const unanswered = new Set<Promise<void>>()
  for (let sent = 0; sent < rate * seconds; ) {
    const dueNow = Math.min(((performance.now() - startedAt) / 1_000) * rate, rate * seconds)
    for (; sent < dueNow && unanswered.size < MOST_UNANSWERED; sent++) {
      const due = sent / rate
      const one = sendPatiently(agent, anyOf(kinds)).then((how) => {
        ended.push({ due, ms: performance.now() - startedAt - due * 1_000, ...how })
        unanswered.delete(one)
      })
      unanswered.add(one)
    }
    await sleep(TICK_MS)
  }
  await Promise.all(unanswered)
  agent.destroy()
  return ended
}

async function sendPatiently(agent: Agent, { name, make }: Kind) {
  const shot = make()
  for (let repeated = 0; ; repeated++) {
    const fault = await attempt(agent, shot)
    if (!fault?.isPassing || repeated === REPEATS) return { kind: name, repeated, fault: fault?.words }
    await sleep(PAUSE_MS * 2 ** repeated)
  }
}

interface Fault {
  words: string
  /** Whether the same request may be answered when it is repeated. */
  isPassing: boolean
}

/** Sends one request. @returns what came instead of the answer that is expected; nothing when that came. */
function attempt(agent: Agent, { method, url, headers, body, expected }: Shot): Promise<Fault | undefined> {
  return new Promise((resolve) => {
    // None, or a part of an answer: the instance was killed.
    const broken = ({ message }: Error) => resolve({ words: message, isPassing: true })
    const sent = request(url, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', broken).on('end', () => {
        const { statusCode = 0 } = response
        if (statusCode < 300 && text.includes(expected)) return resolve(undefined)
        const isPassing = [408, 502, 503, 504].includes(statusCode) || text.includes('"code":"unavailable"')
        resolve({ words: `${statusCode} ${text.slice(0, 300)}`, isPassing })
      })
    })
    sent.on('error', broken).end(body)
  })
}
