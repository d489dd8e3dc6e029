import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import closeWithGrace from 'close-with-grace'
import { createLog } from '../../adapters/log.ts'
import { prometheusMetrics } from '../../adapters/metrics.ts'
import { type App, openApp } from '../../app.ts'
import { type Config, isLoopback, loadConfig } from '../../config.ts'
import { authenticator } from '../http/auth.ts'
import { serveHttp } from '../http/server.ts'
import { type Start, seedsOf } from './context.ts'
import { print } from './output.ts'

/** `serve`: everything over HTTP on one port, until a signal. */
export async function runServe(start: Start, address: { host?: string; port?: string }): Promise<void> {
  const config = loadConfig({
    ...(address.host !== undefined && { PROMPTS_HOST: address.host }),
    ...(address.port !== undefined && { PROMPTS_PORT: address.port }),
  })
  // By default V8 lets garbage grow to several times what is in use before it looks for it. Here that would be most of
  // the memory: catalogues are large and live long. Three quarters is enough, and costs little: the bench shows both.
  setFlagsFromString('--heap-growing-percent=75')
  const log = createLog(config.logLevel ?? 'info')
  const metrics = prometheusMetrics()
  const app = await openApp(config, { log, seeds: seedsOf(start), measure: metrics.measure })
  const server = await serveHttp(config, {
    execute: app.execute,
    catalog: app.services.catalog,
    limiter: app.limiter,
    authenticate: authenticator(app.keys, app.audit),
    metrics,
    reportDefect: app.reportDefect,
    reportError: (error) => log.debug({ err: error }, 'MCP request refused'),
  })
  log.info({ url: server.url, data: config.dataDir, topics: app.services.catalog.list().length }, 'serving')
  const stop = async () => {
    await server.close()
    await app.close()
  }
  const signals = closeWithGrace({ delay: 5_000, logger: false }, async ({ err }) => {
    if (err) log.fatal({ err }, 'uncaught')
    await stop()
    log.info('stopped')
  })
  try {
    await greet(app, config, server.url, start)
  } catch (error) {
    signals.uninstall()
    await stop()
    throw error
  }
  // From here on signals decide; the server keeps the process alive.
}

/** At the first start on this machine: a key, and what to paste into a client. Later: where keys come from. */
async function greet({ keys }: App, config: Config, url: string, start: Start): Promise<void> {
  if (!isLoopback(config.host) || (await keys.list()).length > 0) {
    print(`Serving on ${url}. More API keys: purposepath-prompts keys create --name NAME`)
    return
  }
  const { key } = await keys.create('first-start')
  const overHttp = { type: 'http', url: `${url}/mcp`, headers: { 'X-Api-Key': key } }
  const overStdio = { command: process.execPath, args: [join(start.packageRoot, 'dist', 'main.js'), 'stdio'] }
  print(`
Serving your prompts on ${url}

Your first API key, shown only this once:

  ${key}

Paste this into the configuration of an MCP client that speaks HTTP:

${clientConfiguration(overHttp)}

or this, for a client that starts its servers itself:

${clientConfiguration(overStdio)}

Your prompts are files in ${config.dataDir}
Edit them there; connected clients see the change within a second.
`)
}

function clientConfiguration(server: object): string {
  return JSON.stringify({ mcpServers: { 'purposepath-prompts': server } }, null, 2)
}
