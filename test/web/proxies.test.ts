import { existsSync } from 'node:fs'
import { Agent } from 'node:https'
import { ResourceListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { api, expectProblem } from '../helpers/api.ts'
import { shared } from '../helpers/at-end.ts'
import { connect, connectV1 } from '../helpers/clients.ts'
import { postForEvents } from '../helpers/events.ts'
import { tempFolder } from '../helpers/folders.ts'
import { earlyInMinute } from '../helpers/minute.ts'
import { missing } from '../helpers/missing.ts'
import { runProgram, waitFor } from '../helpers/program.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { says } from '../stand-ins/openai-replies.ts'
import { PROXIES, type ReverseProxy, settingsBehindProxy, startProxy } from '../stand-ins/proxies.ts'
import { freePort } from '../stand-ins/tied-server.ts'
import { type AdminSite, describeInBrowser } from '../web/browser.ts'

const model = await startOpenAi()
afterAll(() => model.stop())

const port = await freePort()
const behindProxy = settingsBehindProxy(port)
const url = behindProxy.PROMPTS_PUBLIC_URL
const settings = {
  ...behindProxy,
  PROMPTS_LLM: 'openai',
  PROMPTS_LLM_BASE_URL: model.baseUrl,
  PROMPTS_LLM_MODEL: 'test-model',
  PROMPTS_LIMIT_AUTH_FAILURES: '2',
}

let edits = 0

// One program and one browser for all: each proxy in turn stands at the one address that the program is told.
describeInBrowser('below a path and over TLS', testProxies, settings)

function testProxies(site: AdminSite): void {
  for (const [index, [name, proxy]] of Object.entries(PROXIES).entries()) {
    const title = `behind ${name}`
    // What is counted by address is counted apart for each proxy.
    const addresses = { failing: `127.0.1.${index + 1}`, other: `127.0.2.${index + 1}` }
    if (existsSync(proxy.program)) describe(title, () => testProxy(site, proxy, addresses))
    else missing(title, `needs it: apt-get install ${proxy.package}`)
  }
}

function testProxy(
  { server, visit, signIn }: AdminSite,
  proxy: ReverseProxy,
  { failing, other }: Record<'failing' | 'other', string>,
): void {
  const running = shared(async (atEnd) => {
    // Clients cannot know the proxy's certificate; `doctor` is told of it, and checks it.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    atEnd(async () => void vi.unstubAllEnvs())
    const folder = await tempFolder(atEnd)
    const started = await startProxy(proxy, { folder, port, upstreams: [server.url] })
    atEnd(() => started.stop())
    return started
  })
  /** Changes what lists say, too: the size of a text. */
  const edit = () => {
    edits++
    const body = { content: `You coach.${'!'.repeat(edits)}` }
    return api({ url }, 'PUT /admin/prompts/goals/system', { token: server.token, body })
  }

  test('doctor finds nothing wrong', async () => {
    const { code, stdout } = await runProgram(['doctor', '--url', url, '--hold', '1s'], {
      PROMPTS_TOKEN: server.key,
      NODE_EXTRA_CA_CERTS: running.cert,
      NODE_TLS_REJECT_UNAUTHORIZED: undefined,
    })
    const worse = stdout.split('\n').filter((line) => !line.startsWith('ok  '))
    expect({ code, worse }).toEqual({
      code: 0,
      worse: [expect.stringMatching(/^note {2}No issuer/), ''],
    })
  })

  test('clients of both eras of MCP are served, and hear of an edit', async () => {
    const target = { url, key: server.key }
    const [today, v1] = [await connect(target, '2026-07-28'), await connectV1(target)]
    for (const client of [today, v1]) {
      expect((await client.listPrompts()).prompts).toHaveLength(6)
      const { messages } = await client.getPrompt({ name: 'goals', arguments: { user_name: 'Ada' } })
      expect(JSON.stringify(messages)).toContain('Ada')
    }
    const heard = new Set<string>()
    today.setNotificationHandler('notifications/resources/list_changed', () => void heard.add('today'))
    v1.setNotificationHandler(ResourceListChangedNotificationSchema, () => void heard.add('v1'))
    await today.listen({ resourcesListChanged: true })
    await waitFor(async () => {
      // The older client does not tell when it has begun to listen.
      expect((await edit()).status).toBe(200)
      return heard.size === 2
    })
  })

  test('events of an analysis arrive while it goes on', async () => {
    const sentAt: number[] = []
    const onSend = () => void sentAt.push(performance.now())
    model.script(says(ANALYSIS, { size: 8, everyMs: 50, onSend }))
    const parameters = { kpi_value: 95000, threshold: 100000, time_period: 'Q4 2025' }
    const path = '/api/v1/prompts/revenue_salesforce/analyze'
    const { events, ended } = postForEvents(url + path, { 'x-api-key': server.key }, parameters)
    expect((await ended).status).toBe(200)
    expect(events.map(({ event }) => event)).toEqual([...events.slice(1).map(() => 'delta'), 'result'])
    expect(events.length).toBeGreaterThan(10)
    expect(events[0]?.at).toBeLessThan(sentAt[sentAt.length / 2] as number)
  })

  test('the server knows its clients by their addresses, whatever they claim', async () => {
    // Four requests.
    await earlyInMinute(3_000)
    const fail = (from: string) =>
      api({ url }, 'GET /prompts/goals', {
        key: 'wrong',
        agent: new Agent({ localAddress: from, family: 4 }),
        headers: { 'x-forwarded-for': '192.0.2.1' },
      })
    expectProblem(await fail(failing), 401, 'unauthenticated')
    expectProblem(await fail(failing), 401, 'unauthenticated')
    expectProblem(await fail(failing), 429, 'rate_limited')
    expectProblem(await fail(other), 401, 'unauthenticated')
    const seen = () =>
      [...server.stderr().matchAll(/"event":"authenticate".*"address":"([^"]+)"/g)]
        .map(([, address]) => address)
        .slice(-4)
    await waitFor(() => seen().includes(other))
    expect(seen()).toEqual([failing, failing, failing, other])
  })

  test('the server itself says what it refuses', async () => {
    const { key, token } = server
    const foreign = await api({ url }, 'GET /prompts/goals', {
      key,
      headers: { origin: 'https://evil.example' },
    })
    expectProblem(foreign, 403, 'forbidden')
    const claimed = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    expect((await api({ url }, 'GET /prompts/goals', { key, headers: claimed })).status).toBe(200)
    for (const megabytes of [2, 12]) {
      const body = JSON.stringify({ content: 'x'.repeat(megabytes * 1024 * 1024) })
      const refused = api({ url }, 'PUT /admin/prompts/goals/system', { token, body })
      const [ended] = await Promise.allSettled([refused])
      if (ended.status === 'fulfilled') expectProblem(ended.value, 413, 'too_large')
      // The document says so: Caddy may break the connection of a client that is still sending.
      else expect({ language: proxy.language, error: ended.reason }).toMatchObject(BROKEN_BY_CADDY)
    }
    expectProblem(await api({ url }, 'GET /prompts/unknown', { key }), 404, 'not_found')
  })

  test('a request for another host gets nothing of ours', async () => {
    const headers = { host: 'evil.example' }
    // Some break the connection.
    const [ended] = await Promise.allSettled([
      api({ url }, 'GET /prompts/goals', { key: server.key, headers }),
    ])
    expect(JSON.stringify(ended)).not.toContain('topic_id')
  })

  test('an administrator signs in to the page by a link, and works there', async () => {
    const page = await visit('', { ignoreHTTPSErrors: true, isStranger: true, refused: [401] })
    await signIn(page.context())
    await page.goto(`${url}/admin/`)
    await page.getByText('6 topics').waitFor()
    await page.getByRole('link', { name: 'Goals' }).click()
    await page.waitForURL(`${url}/admin/topics/goals`)
    await page.reload()
    await page.getByRole('heading', { name: 'Goals' }).waitFor()
    expect(await page.context().cookies()).toMatchObject([
      { name: expect.stringMatching(/^__Host-.*_prompts$/), secure: true, httpOnly: true },
    ])
  })

  test('the reference of the API and all that it loads is found below the path', async () => {
    const page = await fetch(`${url}/docs`)
    const html = await page.text()
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(loaded.length).toBeGreaterThan(2)
    for (const path of [...loaded, `${url}/openapi.json`]) {
      const response = await fetch(new URL(path, page.url))
      expect({ path, status: response.status, at: response.url }).toMatchObject({
        status: 200,
        at: expect.stringContaining(url),
      })
      await response.body?.cancel()
    }
  })
}

const BROKEN_BY_CADDY = {
  language: 'caddyfile',
  error: { code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) },
}

const ANALYSIS = JSON.stringify({
  analysis: 'Revenue is 5% below its threshold, and has been there for two quarters. '.repeat(3),
  recommendations: ['Call the three largest accounts.'],
  severity: 'warning',
})
