import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, connectV1 } from '../../helpers/clients.ts'
import { runCommand } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { type Environment, runProgram, startServer, waitFor } from '../../helpers/program.ts'
import { ask, postMcp, rpcIn } from '../../helpers/raw.ts'
import { sharedServer } from '../../helpers/shared.ts'

const server = sharedServer()

test('health is told to anybody, by any name', async () => {
  const { url, folder } = server
  for (const headers of [{}, { host: 'balancer.example' }, { host: '10.0.0.7:80' }] as Record<
    string,
    string
  >[]) {
    const health = await ask(`${url}/healthz`, { headers })
    expect({ status: health.status, body: JSON.parse(health.text) }).toEqual({
      status: 200,
      body: { status: 'ok' },
    })
    const ready = await ask(`${url}/readyz`, { headers })
    expect({ status: ready.status, body: JSON.parse(ready.text) }).toMatchObject({
      status: 200,
      body: { status: 'ready', topics: 6 },
    })
    expect(ready.text).not.toContain(folder)
  }
})

test('metrics are told to this machine and count calls', async () => {
  await postMcp(server, { jsonrpc: '2.0', id: 1, method: 'prompts/get', params: { name: 'goals' } })
  const { status, headers, text } = await ask(`${server.url}/metrics`)
  expect({ status, type: headers['content-type'] }).toEqual({
    status: 200,
    type: expect.stringMatching(/^text\/plain/),
  })
  expect(text).toMatch(/\{[^}]*mcp\.prompts\.get[^}]*invalid_input[^}]*\} 1\n/)
  // Something has been measured even when they are asked for the first time.
  const [, longestDelay] = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text) ?? []
  expect(Number(longestDelay)).toBeGreaterThan(0)
  expect((await ask(`${server.url}/metrics`, { headers: { host: 'evil.example' } })).status).toBe(403)
})

test('an unknown address is a problem document', async () => {
  for (const path of ['/', '/nowhere', '/mcp/more', '/%00', '/..%2f..%2fetc/passwd', '/healthz/more']) {
    const { status, headers, text } = await ask(`${server.url}${path}`)
    expect({ path, status, type: headers['content-type'] }).toEqual({
      path,
      status: 404,
      type: expect.stringMatching(/^application\/problem\+json/),
    })
    expect(JSON.parse(text)).toMatchObject({ status: 404, code: 'not_found' })
  }
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends the server within five seconds, also with an open subscription and other clients',
  async (signal) => {
    const server = await start()
    const modern = await connect(server, '2026-07-28')
    const subscription = await modern.listen({ promptsListChanged: true })
    const legacy = await connect(server, 'legacy')
    const v1 = await connectV1(server)
    await Promise.all([legacy.listPrompts(), v1.listPrompts()])
    const startedAt = Date.now()
    expect(await server.stop(signal)).toEqual({ code: 0, signal: null })
    expect(Date.now() - startedAt).toBeLessThan(5_000)
    expect(await subscription.closed).toBe('graceful')
  },
)

test('a running call is answered before the server ends', async () => {
  const server = await start()
  const render = { name: 'render_prompts', arguments: { topic_id: 'goals', parameters: { user_name: 'M' } } }
  const batch = Array.from({ length: 100 }, (_, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: render,
  }))
  const answer = postMcp(server, batch)
  // The call is on its way once its caller has been let in.
  await waitFor(() => server.stderr().includes('"event":"prompts.render"'))
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  const answered = await answer
  const results = rpcIn(answered).map(({ result }) => Object.keys(result ?? {}))
  expect({ status: answered.status, results: results.length }).toEqual({ status: 200, results: 100 })
  for (const result of results) expect(result).toContain('structuredContent')
})

test('running REST edits are answered before the server ends, and what is answered is audited', async () => {
  const server = await start()
  const token = (await runCommand(['token'], { PROMPTS_DATA_DIR: server.folder })).stdout.trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const put = (index: number) =>
    ask(`${server.url}/api/v1/admin/prompts/goals/user`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ content: `{{user_name}} ${index}` }),
    })
  const edits = Array.from({ length: 20 }, (_, index) => put(index))
  // Each is a running call from then on.
  await waitFor(() => server.stderr().split('"event":"authenticate"').length > edits.length)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect((await Promise.all(edits)).map(({ status }) => status)).toEqual(edits.map(() => 200))
  expect(server.stderr().match(/"event":"prompts.update".*"outcome":"ok"/g)).toHaveLength(20)
})

test('a taken port is one line that names it', async () => {
  const { url } = await start()
  const { port } = new URL(url)
  const { code, stdout, stderr } = await runProgram(['serve', '--port', port], {
    PROMPTS_DATA_DIR: await tempFolder(),
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(port)])
})

test('only the first start on a data folder prints a key', async () => {
  const first = await start()
  expect(first.key).toMatch(/^ppath_svc_dev_[0-9a-f]{48}$/)
  await first.stop()
  const second = await startServer({ PROMPTS_DATA_DIR: first.folder })
  expect(second.stdout()).not.toContain('ppath_svc_')
  expect(second.stdout()).toContain('keys create')
  expect(
    (await postMcp({ url: second.url, key: first.key }, { jsonrpc: '2.0', id: 1, method: 'ping' })).status,
  ).toBe(200)
})

async function start(settings: Environment = {}) {
  const folder = await tempFolder()
  return Object.assign(await startServer({ PROMPTS_DATA_DIR: folder, ...settings }), { folder })
}

test('a damaged key file stops the start with one line that names it', async () => {
  const folder = await tempFolder()
  await mkdir(join(folder, '.purposepath'), { recursive: true })
  await writeFile(join(folder, '.purposepath/keys.json'), '{}')
  const { code, stderr } = await runProgram(['serve'], { PROMPTS_DATA_DIR: folder, PROMPTS_PORT: '0' })
  expect(code).toBe(1)
  expect(stderr).toContain('keys.json is invalid')
})

describe('as a Web Function of AWS Lambda', () => {
  test('listens where it is told, and ends within a second, whatever is running', async () => {
    const model = createServer()
    await new Promise<void>((resolve) => void model.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void model.close())
    const server = await start({
      AWS_LAMBDA_HTTP_ENDPOINT: `127.0.0.1:${await freePort()}`,
      PROMPTS_HOST: 'unused.example.com',
      PROMPTS_LLM: 'openai',
      PROMPTS_LLM_BASE_URL: `http://127.0.0.1:${(model.address() as AddressInfo).port}`,
      PROMPTS_LLM_MODEL: 'silent',
    })
    const modern = await connect(server, '2026-07-28')
    await modern.listen({ promptsListChanged: true })
    const parameters = { kpi_value: 1, threshold: 2, time_period: 'Q4' }
    const analysisOf = { topic_id: 'revenue_salesforce', parameters }
    const asked = once(model, 'connection')
    const analysis = modern.callTool({ name: 'analyze_kpi', arguments: analysisOf }).catch(() => 'ended')
    await asked
    const startedAt = Date.now()
    expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(Date.now() - startedAt).toBeLessThan(1_000)
    await analysis
  })

  test.each(['127.0.0.1', ':3000', '127.0.0.1:65536'])('refuses the endpoint %s', async (endpoint) => {
    const settings = { AWS_LAMBDA_HTTP_ENDPOINT: endpoint, PROMPTS_DATA_DIR: await tempFolder() }
    const { code, stderr } = await runCommand(['serve'], settings)
    expect(code).toBe(2)
    expect(stderr).toContain('AWS_LAMBDA_HTTP_ENDPOINT is wrong: expected host:port')
  })
})

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
