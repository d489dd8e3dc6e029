import { Agent, get, type IncomingMessage } from 'node:http'
import { runProgram } from '../helpers/program.ts'
import { print } from './figures.ts'
import { restShot, send } from './load.ts'
import type { Starter } from './processes.ts'

const LISTENERS = 1_000
/** Most streams of one caller. */
const OF_ONE_KEY = 100
const CHANGES = 5
const FRESHNESS_MS = 1_000

/** What clients of a 2025 revision cost that listen (`GET /mcp`), and when they hear of another process' change. */
export async function printListeners({ startProduct }: Starter): Promise<void> {
  const listenedTo = await startProduct(10)
  const editing = await startProduct(10)
  const { subject, settings } = listenedTo
  const keys = [listenedTo.key]
  while (keys.length < LISTENERS / OF_ONE_KEY) {
    const { stdout } = await runProgram(['keys', 'create', '--name', `bench-${keys.length}`], settings)
    keys.push(stdout.trim())
  }
  const before = subject.residentMb()
  const listeners: Listener[] = []
  for (const key of keys) {
    const opening = Array.from({ length: OF_ONE_KEY }, () => listen(`${subject.url}/mcp`, key))
    listeners.push(...(await Promise.all(opening)))
  }
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const each = ((subject.residentMb() - before) * 1024) / LISTENERS
  print(`${LISTENERS} clients of revision 2025-11-25 that listen`)
  print(`  memory of each                                 ${each.toFixed(0)} KB   (must ≤ 40, aim 20)`)

  const delays: number[] = []
  const agent = new Agent({ keepAlive: true })
  const url = `${editing.subject.url}/api/v1/admin/prompts/topic_1`
  for (let index = 0; index < CHANGES; index++) {
    const heard = listeners.map((listener) => listener.nextNotification())
    const topic_name = `Topic, named for the ${index}th time`
    const credential = { authorization: `Bearer ${editing.token}` }
    await send(agent, restShot('PUT', url, credential, '', { topic_name }))
    const changedAt = performance.now()
    for (const at of await Promise.all(heard)) delays.push(at - changedAt)
  }
  agent.destroy()
  for (const { close } of listeners) close()
  const p99 = delays.sort((a, b) => a - b)[Math.ceil(delays.length * 0.99) - 1] as number
  const most = FRESHNESS_MS + 300
  print(`  change in another process → notification, p99  ${p99.toFixed(0)} ms   (must ≤ ${most})`)
}

interface Listener {
  /** When the next notification arrives, by `performance.now()`. */
  nextNotification(): Promise<number>
  close(): void
}

async function listen(url: string, key: string): Promise<Listener> {
  const headers = { 'x-api-key': key, accept: 'text/event-stream', 'mcp-protocol-version': '2025-11-25' }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).on('error', reject)
  })
  if (response.statusCode !== 200) throw new Error(`GET /mcp: ${response.statusCode}`)
  let hear: (at: number) => void = () => {}
  response.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('list_changed')) hear(performance.now())
  })
  return {
    nextNotification: () =>
      new Promise((resolve) => {
        hear = resolve
      }),
    close: () => response.destroy(),
  }
}
