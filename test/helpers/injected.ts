import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { createLog } from '../../src/adapters/telemetry/log.ts'
import { loadConfig } from '../../src/config.ts'
import { buildHttpApp } from '../../src/http-app.ts'
import type { Services } from '../../src/pipeline/operation.ts'
import { API_ROOT } from '../../src/transport/http/rest/routes.ts'
import { serveStdio } from '../../src/transport/mcp/stdio.ts'
import type { ApiJson } from './api.ts'
import { runCommand } from './command.ts'
import { executeOver } from './pipeline.ts'
import { PACKAGE_ROOT, waitFor } from './program.ts'
import { messagesIn, type RpcMessage } from './raw.ts'

export interface InjectedAnswer {
  status: number
  text: string
  json: ApiJson
}

/** The HTTP server of a data folder in this process, without a socket. Bodies are sent as the text that they are. */
export async function injectedHttp(folder: string) {
  const config = loadConfig({ PROMPTS_DATA_DIR: folder })
  const log = createLog('silent', { write: () => {} })
  const { app, close } = await buildHttpApp(config, { log, packageRoot: PACKAGE_ROOT })
  onTestFinished(() => close())
  const { stdout } = await runCommand(['token', '--role', 'admin'], { PROMPTS_DATA_DIR: folder })
  const headers = {
    authorization: `Bearer ${stdout.trim()}`,
    host: '127.0.0.1',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  return {
    /** `rest('POST /prompts/x/render', '{"parameters": {}}')` */
    async rest(line: string, payload?: string): Promise<InjectedAnswer> {
      const [method, path] = line.split(' ') as ['GET', string]
      const answer = await app.inject({ method, url: API_ROOT + path, headers, ...(payload && { payload }) })
      return { status: answer.statusCode, text: answer.payload, json: answer.json() as ApiJson }
    },
    /** Sends one JSON-RPC message. */
    async mcp(payload: string): Promise<RpcMessage> {
      const { payload: text } = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
      return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text) as RpcMessage
    },
  }
}

/** A stdio server over `services` in this process: sends one line, answers its answer. */
export function injectedStdio(services: Services): (line: string) => Promise<RpcMessage> {
  const execute = executeOver(services)
  const [input, output] = [new PassThrough(), new PassThrough()]
  let text = ''
  output.on('data', (chunk: Buffer) => {
    text += chunk
  })
  const caller = { kind: 'local', subject: 'test', role: 'admin' } as const
  const ended = serveStdio({ execute, catalog: services.catalog, caller }, { input, output }, () => {})
  onTestFinished(() => {
    input.end()
    return ended
  })
  let answered = 0
  return async (line) => {
    input.write(`${line}\n`)
    await waitFor(() => messagesIn(text).length > answered)
    return messagesIn(text)[answered++] as RpcMessage
  }
}
