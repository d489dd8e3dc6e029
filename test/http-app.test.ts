import { expect, it, onTestFinished } from 'vitest'
import { createLog } from '../src/adapters/telemetry/log.ts'
import { loadConfig } from '../src/config.ts'
import { buildHttpApp } from '../src/http-app.ts'
import { tempFolder } from './helpers/folders.ts'
import { PACKAGE_ROOT } from './helpers/program.ts'

async function build() {
  const lines: string[] = []
  const config = loadConfig({ PROMPTS_DATA_DIR: await tempFolder() })
  const log = createLog('info', { write: (line) => void lines.push(line) })
  const http = await buildHttpApp(config, { log, packageRoot: PACKAGE_ROOT })
  onTestFinished(() => http.close())
  return { ...http, events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

it('serves without listening: any host can hand requests over', async () => {
  const { app, keys } = await build()
  const { key } = await keys.create('host')
  const headers = { 'x-api-key': key, host: '127.0.0.1' }
  const got = await app.inject({ url: '/api/v1/prompts/goals', headers })
  expect(got.statusCode).toBe(200)
  expect(got.json().data.topic_id).toBe('goals')
  const document = await app.inject({ url: '/openapi.json', headers: { host: 'localhost:4000' } })
  expect(document.json().servers).toEqual([{ url: 'http://localhost:4000' }])
})

it('tells its observers of a failed authentication', async () => {
  const { app, events } = await build()
  const refused = await app.inject({
    url: '/api/v1/prompts/goals',
    headers: { 'x-api-key': 'ppath_svc_dev_0', host: '127.0.0.1' },
  })
  expect(refused.statusCode).toBe(401)
  expect(events()).toMatchObject([{ kind: 'audit', event: 'authenticate', outcome: 'unauthenticated' }])
  const { body } = await app.inject({ url: '/metrics', headers: { host: '127.0.0.1' } })
  expect(body).toContain('prompts_authentications_total{credential="key",outcome="unauthenticated"} 1')
})
