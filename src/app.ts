import { LRUCache } from 'lru-cache'
import { readTopicSource } from './adapters/files/topic-source.ts'
import type { Identity } from './adapters/jwt/identity.ts'
import { topicUsage } from './adapters/memory/topic-usage.ts'
import { auditLog } from './adapters/telemetry/audit.ts'
import type { Log } from './adapters/telemetry/log.ts'
import type { Tracing } from './adapters/telemetry/tracing.ts'
import type { Backend, BackendOptions } from './backends/backend.ts'
import { openBackend } from './backends/open.ts'
import type { Config } from './config.ts'
import type { AppError } from './domain/errors.ts'
import type { RateLimiter } from './domain/rate-limiter.ts'
import { type Observer, observers } from './domain/telemetry.ts'
import { createPipeline, type Pipeline } from './pipeline/execute.ts'
import type { Services } from './pipeline/operation.ts'
import { openCatalog } from './services/catalog/sync.ts'
import { createConversations } from './services/conversations/conversations.ts'
import { seedTopics } from './services/importing.ts'
import { createModelClient, type ModelSettings } from './services/models.ts'
import { createKeyedMutex } from './util/keyed-mutex.ts'
import { lazily } from './util/lazily.ts'
import { systemClock } from './util/time.ts'

/** The program, put together: everything a transport needs. */
export interface App extends Pipeline {
  services: Services
  limiter: RateLimiter
  /** For what never reaches the pipeline: authentications, refused requests. */
  observe: Observer
  reportDefect: (error: unknown, requestId: string) => void
  /** What else is kept where the topics are: keys, secrets, sign-in codes. Only HTTP and few commands need them. */
  backend: Backend
  close(): Promise<void>
}

export interface AppOptions {
  log: Log
  /** Folder with the seeds; a files store that holds no topic is seeded from it. */
  seeds?: string
  /** Receive every call event beside the audit log, for example metrics. */
  observers?: readonly Observer[]
  /** See {@link BackendOptions.onThrottled}. */
  onThrottled?: (service: string) => void
  /** True for what runs for long; see {@link BackendOptions.longRunning}. Only that has traces. */
  longRunning?: boolean
  /** For the person who waits for a command: what it waits for. */
  onWait?: (message: string) => void
}

/**
 * Composition root: settings → adapters → services → pipeline. What HTTP adds is put together in `http-app.ts`.
 *
 * @throws AppError `unavailable` when the store cannot be used.
 */
export async function openApp(
  config: Config,
  { log, seeds, observers: others = [], onThrottled, longRunning = false, onWait }: AppOptions,
): Promise<App> {
  const clock = systemClock
  const warn = (message: string, cause?: unknown) => log.warn({ err: cause }, message)
  const backend = await openBackend(config, { warn, onThrottled, longRunning })
  const { topics, prompts } = await backend.openStore()
  const { staleIfErrorMs, creatableTypes } = config
  const catalog = await openCatalog({ topics, prompts, clock, staleIfErrorMs, warn })
  const models = createModelClient({ ...modelsOf(config, backend, (message) => log.info(message)), onWait })
  const conversations = createConversations({ catalog, models, clock, openStore: backend.openConversations })
  const openKeys = lazily(backend.openKeys)
  const usage = topicUsage(clock)
  const mutex = createKeyedMutex()
  const publishing = { catalog, topics, prompts, clock, mutex }
  const services = { ...publishing, models, conversations, usage, openKeys, creatableTypes }
  if (backend.seedsItself) await seedIfEmpty(services, seeds)
  backend.keepSnapshot(catalog)
  const limiter = await backend.openLimiter()
  const tracing = longRunning ? await openTracing(config, warn) : undefined
  const observe = observers([auditLog(log), usage.observe, ...others, ...(tracing ? [tracing.observe] : [])])
  const reportDefect = (error: unknown, requestId: string) =>
    log.error({ err: error, request_id: requestId }, 'defect')
  // A command prints the failure itself.
  const warnOperator = longRunning ? operatorWarnings(log) : () => {}
  const pipeline = createPipeline({ services, limiter, observe, warnOperator, reportDefect })

  return {
    ...pipeline,
    services,
    limiter,
    observe,
    reportDefect,
    backend,
    async close() {
      await catalog.close()
      await limiter.close()
      await tracing?.close()
    },
  }
}

/** How long a warning is not repeated: a broken model fails every call in the same way. */
const QUIET_MS = 60_000

function operatorWarnings(log: Log): (error: AppError, requestId: string) => void {
  const recent = new LRUCache<string, true>({ max: 100, ttl: QUIET_MS })
  return ({ code, operatorMessage }, request_id) => {
    if (recent.has(operatorMessage)) return
    recent.set(operatorMessage, true)
    log.warn({ code, request_id }, operatorMessage)
  }
}

/** Clients of models are loaded with the first call: most runs make none. */
function modelsOf(
  { llm }: Config,
  { secretSetting }: Backend,
  note: (message: string) => void,
): ModelSettings {
  const { timeoutMs } = llm
  switch (llm.provider) {
    case 'bedrock': {
      const open = async () => (await import('./adapters/bedrock/model.ts')).bedrockModel({}, { note })
      return { open, fallback: llm.model, timeoutMs }
    }
    case 'openai': {
      const { baseUrl } = llm
      const apiKey = async () => llm.apiKey ?? secretSetting('PROMPTS_LLM_API_KEY')
      const open = async () =>
        (await import('./adapters/openai/model.ts')).openAiModel({ baseUrl, apiKey, note })
      return { open, override: llm.model, timeoutMs }
    }
    case 'none':
      return { timeoutMs }
  }
}

/** Loaded only when there is somewhere to send traces to. */
async function openTracing(
  { traces: { endpoint, ratio }, stage, llm }: Config,
  warn: BackendOptions['warn'],
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined
  const { otlpTracing } = await import('./adapters/telemetry/tracing.ts')
  return otlpTracing({ endpoint, ratio, stage, provider: llm.provider, warn })
}

async function seedIfEmpty(services: Services, seeds: string | undefined): Promise<void> {
  const { catalog } = services
  const isEmpty = catalog.list().length === 0 && catalog.invalid().size === 0
  if (seeds !== undefined && isEmpty) await seedTopics(services, readTopicSource(seeds).contents)
}

/**
 * Tokens and sessions. Loaded when it is called: most commands need neither.
 *
 * @param warn called when an issuer's keys cannot be fetched.
 */
export async function openIdentity(
  backend: Backend,
  { tokens, issuerClient, staleIfErrorMs }: Config,
  warn: BackendOptions['warn'],
): Promise<Identity> {
  const { createIdentity } = await import('./adapters/jwt/identity.ts')
  const client = issuerClient && {
    ...issuerClient,
    clientSecret: async () =>
      issuerClient.clientSecret ?? backend.secretSetting('PROMPTS_OIDC_CLIENT_SECRET'),
  }
  const secret = await backend.openSecret()
  return createIdentity({ secret, tokens, client, staleIfErrorMs, clock: systemClock, warn })
}
