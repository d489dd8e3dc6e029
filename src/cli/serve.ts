import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import closeWithGrace from 'close-with-grace'
import { createLog } from '../adapters/telemetry/log.ts'
import type { Config } from '../config.ts'
import { SIGN_IN_CODE_MINUTES } from '../domain/sign-in.ts'
import { buildHttpApp, type HttpApp } from '../http-app.ts'
import { listen as listenOn } from '../transport/http/server.ts'
import { isLoopback } from '../util/address.ts'
import { blockedPortNotice, isBlockedPort } from './blocked-ports.ts'
import { type AddressOptions, type CommandContext, configAt, localUser } from './context.ts'
import { signInLink } from './login.ts'
import { keepTicksFast } from './tune-process.ts'

/** `serve`: everything over HTTP on one port, until a signal. */
export async function runServe(context: CommandContext, address: AddressOptions): Promise<void> {
  const { io } = context
  const config = configAt(io, address)
  // By default V8 lets garbage grow to several times what is in use before it looks for it. Here that would be most of
  // the memory: catalogues are large and live long. Three quarters is enough, and costs little: the bench shows both.
  setFlagsFromString('--heap-growing-percent=75')
  keepTicksFast()
  const log = createLog(config.logLevel ?? 'info')
  const server = await buildHttpApp(config, { log, packageRoot: io.packageRoot })
  const url = await listen(server, config)
  const { data } = server.backend.describe()
  if (isBlockedPort(config.port)) log.warn(blockedPortNotice(config.port))
  log.info({ url, data, topics: server.catalog.list().length }, 'serving')
  const signals = closeWithGrace({ delay: config.shutdown.mostMs, logger: false }, async ({ err }) => {
    if (err) log.fatal({ err }, 'uncaught')
    await server.close()
    log.info('stopped')
  })
  try {
    await greet(server, config, url, context)
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
  { keys, signInCodes, backend }: HttpApp,
  config: Config,
  url: string,
  { io, terminal }: CommandContext,
): Promise<void> {
  if (!backend.seedsItself || !isLoopback(config.host) || (await keys.list()).length > 0) {
    const words =
      'purposepath-prompts keys create --name NAME. Sign in to its pages: purposepath-prompts login'
    terminal.print(`Serving on ${url}. More API keys: ${words}`)
    return
  }
  const { key } = await keys.create('first-start')
  const link = signInLink(config.publicUrl ?? url, await signInCodes.issue(localUser().subject))
  const overHttp = { type: 'http', url: `${url}/mcp`, headers: { 'X-Api-Key': key } }
  const overStdio = { command: process.execPath, args: [join(io.packageRoot, 'dist', 'main.js'), 'stdio'] }
  terminal.print(`
Serving your prompts on ${url}

Your first API key, shown only this once:

  ${key}

Open this to sign in with a browser; it works once, for ${SIGN_IN_CODE_MINUTES} minutes:

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
