import { userInfo } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../adapters/telemetry/log.ts'
import { type App, openApp } from '../app.ts'
import { type Backend, openBackend } from '../backends/backend.ts'
import { type Config, loadConfig } from '../config.ts'
import type { Caller } from '../domain/caller.ts'
import { info } from './output.ts'

/** Facts of this start of the program. */
export interface Start {
  /** Folder of the package: `seeds/` is in it. */
  packageRoot: string
}

export function seedsOf({ packageRoot }: Start): string {
  return join(packageRoot, 'seeds')
}

/** Where a server listens, in the words of the command line. */
export interface AddressOptions {
  host?: string
  port?: string
}

/** The settings of a server; what the command line says wins. */
export function configAt({ host, port }: AddressOptions): Config {
  return loadConfig({
    ...(host !== undefined && { PROMPTS_HOST: host }),
    ...(port !== undefined && { PROMPTS_PORT: port }),
  })
}

/** Whoever starts the program has its data folder's rights already, and so every role. */
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
  options: { seeds?: string },
  work: (app: App, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig()
  // A person waits for the answer: only what is worth a person's attention.
  const log = createLog(config.logLevel ?? 'warn')
  const app = await openApp(config, { log, ...options })
  try {
    return await work(app, config)
  } finally {
    await app.close()
  }
}

/** Where keys, secrets and sign-in codes are, for commands that need no topics. Its warnings go to the terminal. */
export function ownBackend(config: Config): Promise<Backend> {
  return openBackend(config, { warn: (message) => info(message), longRunning: false })
}
