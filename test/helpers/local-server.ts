import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createLog } from '../../src/adapters/telemetry/log.ts'
import { loadConfig } from '../../src/config.ts'
import { buildHttpApp, type HttpApp } from '../../src/http-app.ts'
import { listen } from '../../src/transport/http/server.ts'
import { tempFolder } from './folders.ts'
import { type Environment, PACKAGE_ROOT } from './program.ts'

interface LocalAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  text: string
}

/** The HTTP server in this process, behind a real socket. */
export interface LocalServer extends HttpApp {
  url: string
  /** Lines of its log. */
  events: () => Record<string, unknown>[]
  /** One request, `GET /admin/`, with its path sent exactly as it stands here. */
  ask(
    line: string,
    options?: { headers?: Record<string, string | undefined>; body?: unknown },
  ): Promise<LocalAnswer>
}

/**
 * Starts the server with a data folder of its own; stopped after the test.
 *
 * @param page files of the built admin page by their paths; none by default.
 */
export async function startLocal(
  settings: Environment = {},
  page: Readonly<Record<string, string | Buffer>> = {},
): Promise<LocalServer> {
  const packageRoot = await tempFolder()
  await symlink(join(PACKAGE_ROOT, 'seeds'), join(packageRoot, 'seeds'))
  for (const [name, content] of Object.entries(page)) {
    const path = join(packageRoot, 'dist', 'web', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  const config = loadConfig({ PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_PORT: '0', ...settings })
  const http = await buildHttpApp(config, { log, packageRoot })
  onTestFinished(() => http.close())
  const url = await listen(http.app, config)
  const { hostname, port } = new URL(url)
  return {
    ...http,
    url,
    events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    ask(line, { headers = {}, body } = {}) {
      const [method, path] = line.split(/ (.*)/) as [string, string]
      const given = Object.entries({
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      })
      const sent = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Record<
        string,
        string
      >
      return new Promise((resolve, reject) => {
        request({ hostname, port, method, path, headers: sent, agent: false }, (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => void chunks.push(chunk)).on('error', reject)
          answer.on('end', () => {
            const body = Buffer.concat(chunks)
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body, text: body.toString() })
          })
        })
          .on('error', reject)
          .end(body === undefined ? undefined : JSON.stringify(body))
      })
    },
  }
}
