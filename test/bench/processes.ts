import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Environment, environmentOf, waitFor } from '../helpers/program.ts'

/** A server under measurement. */
export interface Subject {
  name: string
  url: string
  process: ChildProcess
  /** CPU seconds used so far by all threads, by the scheduler's account (Linux only). */
  cpuSeconds: () => number
  /** Memory in MB now. */
  residentMb: () => number
  stop: () => Promise<void>
}

/** The product as a subject. */
export interface Product {
  subject: Subject
  key: string
  token: string
  /** Settings that it runs with, for commands on the same data. */
  settings: Environment
}

/** Starts what is measured; all of it is stopped at the end of a section. */
export interface Starter {
  start(name: string, args: string[], settings?: Environment): Promise<Subject>
  /** The product with so many topics. */
  startProduct(topics: number, more?: Environment): Promise<Product>
}

/** Waits until a server has done what it does after its start, such as reading ahead. */
export async function settled({ cpuSeconds }: Subject): Promise<void> {
  for (;;) {
    const before = cpuSeconds()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    if (cpuSeconds() - before < 0.06) return
  }
}

/** Starts a server of the bench (compiled as it stands beside this file) or of the product, and waits for its address. */
export async function startSubject(
  name: string,
  args: readonly string[],
  settings: Environment = {},
): Promise<Subject> {
  const child = spawn(process.execPath, args, {
    env: environmentOf(settings),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    if (log.length < 10_000) log += chunk
  })
  const ended = once(child, 'close').then(() => {
    throw new Error(`${name} ended: ${log.slice(-1_000)}`)
  })
  const url = await Promise.race([waitFor(() => /"url":"([^"]+)"/.exec(log)?.[1], 600_000), ended])
  ended.catch(() => {})
  return {
    name,
    url,
    process: child,
    cpuSeconds() {
      const threads = readdirSync(`/proc/${child.pid}/task`)
      const spent = threads.map((id) => readFileSync(`/proc/${child.pid}/task/${id}/schedstat`, 'utf8'))
      return spent.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9
    },
    residentMb() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
    },
    async stop() {
      child.kill('SIGKILL')
      await once(child, 'close')
    },
  }
}

/** What `make` makes, one after the other. */
export async function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) made.push(await make())
  return made
}

/** Path of a script of the bench, built by {@link buildBench}. */
export function benchScript(name: string): string {
  return fileURLToPath(new URL(`../../node_modules/.bench/${name}.mjs`, import.meta.url))
}
