import { userInfo } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../adapters/telemetry/log.ts'
import { type App, openApp } from '../app.ts'
import type { Backend } from '../backends/backend.ts'
import { openBackend } from '../backends/open.ts'
import { type Config, loadConfig } from '../config.ts'
import type { Caller } from '../domain/caller.ts'
import type { CommandIo, Terminal } from './output.ts'

/** What every command is given. */
export interface CommandContext {
  io: CommandIo
  terminal: Terminal
}

export function seedsOf({ packageRoot }: CommandIo): string {
  return join(packageRoot, 'seeds')
}

/** Where a server listens, in the words of the command line. */
export interface AddressOptions {
  host?: string
  port?: string
}

/** The settings of a server; what the command line says wins. */
export function configAt({ env }: CommandIo, { host, port }: AddressOptions): Config {
  return loadConfig(env, {
    ...(host !== undefined && { PROMPTS_HOST: host }),
    ...(port !== undefined && { PROMPTS_PORT: port }),
  })
}

/** The user who starts the program has the rights of its data folder already, and so every role. */
export function localUser(): Caller {
  let subject = 'unknown'
  try {
    subject = userInfo().username
  } catch {
    // A user id without an entry in the user database, as in many containers.
  }
  return { kind: 'local', subject, role: 'admin', owner: { sub: subject, tenant: '' } }
}

/** Runs `work` with the program put together, and ends it whatever happens. */
export async function withApp<T>(
  { io, terminal }: CommandContext,
  options: { seeds?: string },
  work: (app: App, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig(io.env)
  // A person waits for the answer: only what is worth a person's attention.
  const log = createLog(config.logLevel ?? 'warn', { write: (line) => void io.stderr.write(line) })
  const onWait = (message: string) => io.stderr.isTTY && terminal.info(message)
  const app = await openApp(config, { log, onWait, ...options })
  try {
    return await work(app, config)
  } finally {
    await app.close()
  }
}

/** Where keys, secrets and sign-in codes are, for commands that need no topics. Its warnings go to the terminal. */
export function ownBackend({ terminal }: CommandContext, config: Config): Promise<Backend> {
  return openBackend(config, { warn: (message) => terminal.info(message), longRunning: false })
}
