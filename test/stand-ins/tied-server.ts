import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const TIED = fileURLToPath(new URL('tied.sh', import.meta.url))
/** Sooner than a hook of the tests gives up, because this knows why. */
const START_MS = 25_000
const KEPT_OUTPUT = 4_000

/** A server in processes of its own, which end with this one, whatever ends it. */
export interface TiedServer {
  endpoint: string
  stop(): Promise<void>
}

/**
 * Starts a server and waits until it answers over HTTP.
 *
 * @param endpoint where it will answer.
 * @param header it is in every answer of this kind of server, and tells it from a stranger on the same port.
 */
export async function startTied(
  command: readonly string[],
  endpoint: string,
  header: string,
): Promise<TiedServer> {
  // Detached, because what ends this process may be meant for its whole group: then the script must clean up.
  const child = spawn(TIED, command, { stdio: 'pipe', detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-KEPT_OUTPUT)
    })
  }
  const ended = once(child, 'close')
  const stop = async () => {
    child.stdin.end()
    await ended
  }

  const end = Date.now() + START_MS
  while (!(await answersWith(header, endpoint))) {
    if (child.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error(`Not up at ${endpoint}: ${command.join(' ')}\n${output.trim()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { endpoint, stop }
}

async function answersWith(header: string, endpoint: string): Promise<boolean> {
  try {
    const { headers } = await fetch(endpoint, { signal: AbortSignal.timeout(1000) })
    return headers.has(header)
  } catch {
    return false
  }
}

/**
 * A free port below those that systems hand out on their own: between this look and the server's start nobody gets
 * it by chance.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '0.0.0.0', () => resolve(true))
    })
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}
