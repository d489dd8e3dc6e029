import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { writeEmf } from './adapters/telemetry/emf.ts'
import { type Log, streamOf } from './adapters/telemetry/log.ts'
import { type Metrics, prometheusMetrics } from './adapters/telemetry/prometheus.ts'
import { type App, openApp, openIdentity } from './app.ts'
import type { Backend } from './backends/backend.ts'
import type { Config } from './config.ts'
import type { ApiKeys } from './domain/api-keys.ts'
import type { SignInCodes } from './domain/sign-in.ts'
import type { Catalog } from './services/catalog/catalog.ts'
import { authenticator, credentialChecker } from './transport/http/identity/authenticator.ts'
import { createHttpServer } from './transport/http/server.ts'

/** Everything that goes over HTTP, ready to listen or to be called by another host. */
export interface HttpApp {
  app: FastifyInstance
  catalog: Catalog
  backend: Backend
  keys: ApiKeys
  signInCodes: SignInCodes
  /** Finishes what is running, as long as a shutdown may take, and ends open streams. */
  close(): Promise<void>
}

/**
 * Puts the HTTP server together, without listening.
 *
 * @param options.packageRoot folder of the package, with `seeds/`, `dist/docs/` and `dist/web/`.
 * @throws AppError `unavailable` when the store cannot be used.
 * @example
 * const { app, close } = await buildHttpApp(loadConfig(process.env), { log, packageRoot })
 * const { statusCode } = await app.inject('/healthz')
 */
export async function buildHttpApp(
  config: Config,
  { log, packageRoot }: { log: Log; packageRoot: string },
): Promise<HttpApp> {
  const metrics = prometheusMetrics(config.llm)
  const seeds = join(packageRoot, 'seeds')
  const { observe: count, throttled: onThrottled } = metrics
  const core = await openApp(config, { log, seeds, observers: [count], onThrottled, longRunning: true })
  try {
    return await serveOver(core, config, { log, packageRoot, metrics })
  } catch (error) {
    await core.close()
    throw error
  }
}

async function serveOver(
  core: App,
  config: Config,
  { log, packageRoot, metrics }: { log: Log; packageRoot: string; metrics: Metrics },
): Promise<HttpApp> {
  const { backend, limiter, observe } = core
  const { catalog, models, conversations, openKeys } = core.services
  metrics.watch(() => {
    const { running, waiting } = models.load()
    const busy = { callsInFlight: core.inFlight(), modelCallsRunning: running, modelCallsWaiting: waiting }
    return { ...catalog.figures(), ...busy }
  })
  const keys = await openKeys()
  const signInCodes = await backend.openSignInCodes()
  const warn = (message: string, cause?: unknown) => log.warn({ err: cause }, message)
  const { tokens, sessions, issuerSignIn } = await openIdentity(backend, config, warn)
  const credentials = { keys, tokens, sessions, limiter, observe, publicUrl: config.publicUrl }
  const { app, close } = createHttpServer(config, {
    execute: core.execute,
    inFlight: core.inFlight,
    catalog,
    limiter,
    observe,
    authenticate: authenticator(credentials),
    isStillValid: credentialChecker(credentials),
    // An issuer's tokens need nothing that is kept here.
    canVerify: () => config.tokens.jwksUrl !== undefined || keys.areKnown(),
    signInCodes,
    issuerSignIn,
    sessions,
    tokens: config.tokens,
    abortModelCalls() {
      conversations.abortAll()
      models.abortAll()
    },
    docsRoot: join(packageRoot, 'dist', 'docs'),
    adminPageRoot: join(packageRoot, 'dist', 'web'),
    metrics,
    reportDefect: core.reportDefect,
    reportError: (error) => log.debug({ err: error }, 'MCP request refused'),
  })
  // Last: from here on nothing fails, which would leave it writing.
  const emf = config.emf ? writeEmf(metrics, { stage: config.stage, stream: streamOf(log) }) : undefined
  return {
    app,
    catalog,
    backend,
    keys,
    signInCodes,
    async close() {
      try {
        // First: some hosts leave a second after their signal.
        await emf?.write()
        await close()
      } finally {
        await core.close()
        await emf?.close()
      }
    },
  }
}
