import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { AtEnd } from './at-end.ts'

/** The built program, as `package.json` names it: `npm test` builds it first. */
export const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type Environment = Record<string, string | undefined>

/** The environment of a child: this one's without settings of ours, plus `settings`. */
export function environmentOf(settings: Environment): Record<string, string> {
  const merged = { ...process.env, PROMPTS_DATA_DIR: undefined, NO_COLOR: '1', ...settings }
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a command of the program to its end. */
export async function runProgram(
  words: readonly string[],
  settings: Environment,
  stdin = '',
): Promise<Finished> {
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: environmentOf(settings) })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout(), stderr: stderr() }
}

export interface RunningServer {
  url: string
  /** An API key, made at the first start. */
  key: string
  process: ChildProcess
  stdout: () => string
  stderr: () => string
  /** Ends it with a signal and answers how it ended. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts `serve` on a free port and waits until it serves; stopped after the test, or when `atEnd` calls. */
export async function startServer(
  settings: Environment,
  atEnd: AtEnd = onTestFinished,
): Promise<RunningServer> {
  const env = environmentOf({ PROMPTS_PORT: '0', ...settings })
  const child = spawn(process.execPath, [PROGRAM, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const stop: RunningServer['stop'] = async (signal = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const [code, by] = await ended
    return { code, signal: by }
  }
  atEnd(async () => void (await stop('SIGKILL')))
  const url = await Promise.race([
    waitFor(() => /"url":"([^"]+)"/.exec(stderr())?.[1]),
    ended.then(() => {
      throw new Error(`serve ended at once: ${stderr()}`)
    }),
  ])
  // The greeting follows the log line; later starts print no key.
  const line = await waitFor(() => /More API keys|Edit them there/.exec(stdout()) && stdout())
  const key = /ppath_svc_\S+/.exec(line)?.[0] ?? ''
  return { url, key, process: child, stdout, stderr, stop }
}

/** Asks again and again until `look` finds something. */
export async function waitFor<T>(look: () => T | Promise<T>, timeoutMs = 60_000): Promise<NonNullable<T>> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${look}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
