import closeWithGrace from 'close-with-grace'
import { createLog } from '../adapters/telemetry/log.ts'
import { openApp } from '../app.ts'
import { loadConfig } from '../config.ts'
import { serveStdio } from '../transport/mcp/stdio.ts'
import { type CommandContext, localUser, seedsOf } from './context.ts'

/** `stdio`: one MCP client over stdin and stdout, until it hangs up. */
export async function runStdio(
  { io }: CommandContext,
  { readOnly = false }: { readOnly?: boolean },
): Promise<void> {
  const config = loadConfig(io.env)
  // Whatever a dependency prints must not reach the protocol's stream.
  for (const method of ['log', 'info', 'debug'] as const) console[method] = console.error
  const log = createLog(config.logLevel ?? 'info')
  const { execute, services, close } = await openApp(config, {
    log,
    seeds: seedsOf(io),
    longRunning: true,
  })
  const user = localUser()
  const caller = readOnly ? { ...user, role: 'service' as const, readOnly } : user
  const session = { execute, catalog: services.catalog, caller }
  const hungUp = serveStdio(session, { input: io.stdin, output: io.stdout }, (error) =>
    log.warn({ err: error }, 'MCP connection'),
  )
  closeWithGrace({ delay: 3_000, logger: false }, async ({ err }) => {
    if (err) log.fatal({ err }, 'uncaught')
    await close()
  })
  await hungUp
  await close()
}
