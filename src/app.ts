import { logAudit } from './adapters/audit.ts'
import { fileKeys } from './adapters/auth/file-keys.ts'
import type { Identity } from './adapters/auth/identity.ts'
import { readTopicSource } from './adapters/files/folder.ts'
import { openLayout } from './adapters/files/layout.ts'
import { fileTopics } from './adapters/files/topics.ts'
import { filePrompts } from './adapters/files/versions.ts'
import type { Log } from './adapters/log.ts'
import { memoryRateLimiter } from './adapters/rate-limit/memory.ts'
import type { Config } from './config.ts'
import type { ApiKeys } from './domain/api-keys.ts'
import { type Clock, systemClock } from './domain/clock.ts'
import type { Audit, Measure } from './domain/observation.ts'
import type { RateLimiter } from './domain/rate-limiter.ts'
import type { SignInCodes } from './domain/sign-in.ts'
import { createExecute, type Execute } from './operations/execute.ts'
import type { Services } from './operations/operation.ts'
import { openCatalog } from './services/catalog.ts'
import { seedTopics } from './services/importing.ts'

/** The program, put together: everything a transport needs. */
export interface App {
  services: Services
  execute: Execute
  keys: ApiKeys
  limiter: RateLimiter
  audit: Audit
  reportDefect: (error: unknown, requestId: string) => void
  close(): Promise<void>
}

export interface AppOptions {
  log: Log
  /** Folder with the seeds; a store that holds no topic is seeded from it. */
  seeds?: string
  measure?: Measure
}

/**
 * Composition root: settings → adapters → services → pipeline. The only place that knows all of them.
 *
 * @throws AppError `unavailable` when the data folder cannot be used.
 */
export async function openApp(config: Config, { log, seeds, measure = () => {} }: AppOptions): Promise<App> {
  const clock = systemClock
  const layout = openLayout(config.dataDir)
  const warn = (message: string, cause?: unknown) => log.warn({ err: cause }, message)
  const { topics, prompts } = await openStore(config, clock, warn)
  const catalog = await openCatalog({ topics, prompts, clock, staleIfErrorMs: config.staleIfErrorMs, warn })
  const services = { catalog, topics, prompts, clock, creatableTypes: config.creatableTypes }
  if (
    config.store === 'files' &&
    seeds !== undefined &&
    catalog.list().length === 0 &&
    catalog.damaged().size === 0
  ) {
    await seedTopics(services, readTopicSource(seeds).contents)
  }
  const limiter = memoryRateLimiter(config.limits, clock)
  const audit = logAudit(log)
  const reportDefect = (error: unknown, requestId: string) =>
    log.error({ err: error, request_id: requestId }, 'defect')
  const execute = createExecute({ services, limiter, audit, measure, reportDefect })

  return {
    services,
    execute,
    keys: fileKeys(layout, config.stage, clock, { staleIfErrorMs: config.staleIfErrorMs, warn }),
    limiter,
    audit,
    reportDefect,
    close: () => catalog.close(),
  }
}

/** Where topics and texts are kept. The AWS clients are loaded only where they are used: they take long to load. */
async function openStore(
  config: Config,
  clock: Clock,
  warn: (message: string, cause?: unknown) => void,
): Promise<Pick<Services, 'topics' | 'prompts'>> {
  if (config.store === 'aws') {
    const { openAwsBackend } = await import('./adapters/aws/backend.ts')
    return openAwsBackend({ ...config, warn })
  }
  const layout = openLayout(config.dataDir)
  return {
    topics: fileTopics(layout, { clock, freshnessMs: config.freshnessMs, warn }),
    prompts: filePrompts(layout),
  }
}

/** The API keys alone, for commands that need no topics. */
export function openKeys(config: Config): ApiKeys {
  return fileKeys(openLayout(config.dataDir), config.stage, systemClock)
}

/** The codes of sign-in links alone. Loaded when it is called. */
export async function openSignInCodes(config: Config): Promise<SignInCodes> {
  const { fileSignInCodes } = await import('./adapters/auth/sign-in-codes.ts')
  return fileSignInCodes(openLayout(config.dataDir), systemClock)
}

/**
 * Tokens, sessions and sign-in codes. Loaded when it is called: most commands need none of them.
 *
 * @param warn told when an issuer's keys cannot be fetched.
 */
export async function openIdentity(
  config: Config,
  warn: (message: string, cause?: unknown) => void = () => {},
): Promise<Identity> {
  const { createIdentity } = await import('./adapters/auth/identity.ts')
  const { stage, tokens, staleIfErrorMs } = config
  return createIdentity({
    layout: openLayout(config.dataDir),
    stage,
    tokens,
    staleIfErrorMs,
    clock: systemClock,
    warn,
  })
}
