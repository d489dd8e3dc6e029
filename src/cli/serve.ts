import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import closeWithGrace from 'close-with-grace'
import { createLog } from '../adapters/telemetry/log.ts'
import { type Config, isLoopback } from '../config.ts'
import { buildHttpApp, type HttpApp } from '../http-app.ts'
import { listen as listenOn } from '../transport/http/server.ts'
import { type AddressOptions, configAt, localUser, type Start } from './context.ts'
import { signInLink } from './login.ts'
import { print } from './output.ts'
import { keepTicksFast } from './tune-process.ts'

/** `serve`: everything over HTTP on one port, until a signal. */
export async function runServe(start: Start, address: AddressOptions): Promise<void> {
  const config = configAt(address)
  // By default V8 lets garbage grow to several times what is in use before it looks for it. Here that would be most of
  // the memory: catalogues are large and live long. Three quarters is enough, and costs little: the bench shows both.
  setFlagsFromString('--heap-growing-percent=75')
  keepTicksFast()
  const log = createLog(config.logLevel ?? 'info')
  const server = await buildHttpApp(config, { log, packageRoot: start.packageRoot })
  const url = await listen(server, config)
  const data = config.store === 'files' ? config.dataDir : config.aws.table
  log.info({ url, data, topics: server.catalog.list().length }, 'serving')
  const signals = closeWithGrace({ delay: 5_000, logger: false }, async ({ err }) => {
    if (err) log.fatal({ err }, 'uncaught')
    await server.close()
    log.info('stopped')
  })
  try {
    await greet(server, config, url, start)
  } catch (error) {
    signals.uninstall()
    await server.close()
    throw error
  }
  // From here on signals decide; the server keeps the process alive.
}

/** @throws AppError `unavailable` when the port is taken; everything is closed then. */
async function listen(server: HttpApp, config: Config): Promise<string> {
  try {
    return await listenOn(server.app, config)
  } catch (error) {
    await server.close()
    throw error
  }
}

/** At the first start on this machine: a key, a sign-in link, what to paste into a client. Later: where they come from. */
async function greet(
  { keys, signInCodes }: HttpApp,
  config: Config,
  url: string,
  start: Start,
): Promise<void> {
  if (config.store === 'aws' || !isLoopback(config.host) || (await keys.list()).length > 0) {
    const words =
      'purposepath-prompts keys create --name NAME. Sign in to its pages: purposepath-prompts login'
    print(`Serving on ${url}. More API keys: ${words}`)
    return
  }
  const { key } = await keys.create('first-start')
  const link = signInLink(config.publicUrl ?? url, await signInCodes.issue(localUser().subject))
  const overHttp = { type: 'http', url: `${url}/mcp`, headers: { 'X-Api-Key': key } }
  const overStdio = { command: process.execPath, args: [join(start.packageRoot, 'dist', 'main.js'), 'stdio'] }
  print(`
Serving your prompts on ${url}

Your first API key, shown only this once:

  ${key}

Open this to sign in with a browser; it works once, for 10 minutes:

  ${link}

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
