import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { api, GENEROUS } from '../../helpers/api.ts'
import { type AtEnd, shared } from '../../helpers/at-end.ts'
import { proxiedParts } from '../../helpers/aws-proxies.ts'
import { connect } from '../../helpers/clients.ts'
import { runCommand, withAwsSettings } from '../../helpers/command.ts'
import { jsonOf } from '../../helpers/matrix.ts'
import { startServer, waitFor } from '../../helpers/program.ts'
import { type AwsParts, describeWithAws, freshNames } from '../../stand-ins/aws.ts'

const SEEDED = ['alignment_analysis', 'core_values', 'goals', 'purpose', 'revenue_salesforce', 'vision']
/** The freshness bound, and some for a busy machine. */
const PROMPTLY_MS = 1_200
const OUTAGE_MS = 15_000

/** A stage as its README makes it, and two servers on it, whose calls of AWS go through proxies. */
async function setUp(parts: AwsParts, atEnd: AtEnd) {
  const proxied = await proxiedParts(parts, atEnd)
  const settings = { ...proxied.environment(freshNames()), ...GENEROUS }
  withAwsSettings(settings, atEnd)
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await runCommand(words, settings)
    expect({ words, code, stderr }).toMatchObject({ words, code: 0 })
    return stdout.trim()
  }
  await run('provision')
  await run('seed')
  const key = await run('keys', 'create', '--name', 'backend')
  const token = await run('token')
  const [one, other] = await Promise.all([startServer(settings, atEnd), startServer(settings, atEnd)])
  return { ...proxied, settings, run, key, token, one, other }
}

describeWithAws('two servers on one stage', (parts) => {
  const stage = shared((atEnd) => setUp(parts, atEnd))

  test('serve the same topics over REST and MCP, and the walk of the design document works', async () => {
    const { key, token, one, other, run } = stage
    for (const server of [one, other]) {
      const { json } = await api(server, 'GET /prompts', { key })
      expect((json.data as { topic_id: string }[]).map(({ topic_id }) => topic_id).sort()).toEqual(SEEDED)
      const client = await connect({ url: server.url, key }, '2026-07-28')
      expect((await client.listPrompts()).prompts.map(({ name }) => name).sort()).toEqual(SEEDED)
      const answer = await client.callTool({
        name: 'batch_get',
        arguments: { topic_ids: ['vision', 'nobody'] },
      })
      expect(jsonOf(answer as never)).toMatchObject({ errors: { nobody: { code: 'not_found' } } })
    }
    const body = { topic_id: 'churn', topic_name: 'Churn', topic_type: 'kpi_system', category: 'kpi' }
    const created = await api(one, 'POST /admin/prompts', { token, body })
    expect(created).toMatchObject({ status: 201, json: { data: { revision: 1 } } })
    const content = { content: 'You are an AI analyzing churn...' }
    expect((await api(one, 'POST /admin/prompts/churn/system', { token, body: content })).status).toBe(201)
    await waitFor(async () => (await api(other, 'GET /prompts/churn', { key })).status === 200, PROMPTLY_MS)
    expect(JSON.parse(await run('prompts', 'fetch', 'churn', '--json')).data.prompts).toEqual({
      system: content.content,
    })
  })

  test('take each other’s sign-in links, sessions, keys and tokens', async () => {
    const { one, other, run } = stage
    const link = new URL(await run('login'))
    const path = link.pathname + link.search
    const signedIn = await fetch(one.url + path, { redirect: 'manual' })
    expect(signedIn.status).toBe(303)
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect((await fetch(`${other.url}/api/v1/session`, { headers: { cookie } })).status).toBe(200)
    expect((await fetch(other.url + path, { redirect: 'manual' })).status).not.toBe(303)
  })

  test('tell connected clients of each other’s edits', async () => {
    const { key, token, one, other } = stage
    const client = await connect({ url: other.url, key }, '2026-07-28')
    const heard: number[] = []
    client.setNotificationHandler('notifications/resources/updated', () => void heard.push(performance.now()))
    await client.listen({ resourceSubscriptions: ['prompt://goals/user'] })
    const startedAt = performance.now()
    const edit = { token, body: { content: 'Hello {{user_name}}' } }
    expect((await api(one, 'PUT /admin/prompts/goals/user', edit)).status).toBe(200)
    await waitFor(() => heard.length > 0)
    expect((heard[0] ?? 0) - startedAt).toBeLessThan(PROMPTLY_MS)
    const { contents } = await client.readResource({ uri: 'prompt://goals/user' })
    expect(contents).toMatchObject([{ text: 'Hello {{user_name}}' }])
  })

  test('serve through an outage of AWS, and take the first write after it', {
    timeout: 300_000,
  }, async () => {
    const { proxies, key, token, one, other } = stage
    const edit = { token, body: { content: 'After the outage, {{user_name}}' } }
    // What comes ahead of the outage: the texts are read once the first clients have been served.
    await sleep(4_000)
    for (const proxy of proxies) proxy.outage()
    const endsAt = performance.now() + OUTAGE_MS
    const seen = { all: 0, served: 0, stale: 0, ready: 0 }
    while (performance.now() < endsAt) {
      for (const server of [one, other]) {
        const topic_id = SEEDED[seen.all % SEEDED.length]
        const [answer, ready] = await Promise.all([
          api(server, `GET /prompts/${topic_id}`, { key }),
          fetch(`${server.url}/readyz`),
        ])
        seen.all++
        if (answer.status === 200) seen.served++
        if (answer.headers['prompts-stale'] === 'true') seen.stale++
        if (ready.status === 200) seen.ready++
      }
      await sleep(50)
    }
    expect(seen.all).toBeGreaterThan(150)
    expect(seen).toMatchObject({ served: seen.all, ready: seen.all })
    expect(seen.stale).toBeGreaterThan(seen.all * 0.9)
    const refused = await api(one, 'PUT /admin/prompts/goals/user', edit)
    expect(refused).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(refused.headers['retry-after']).toBeDefined()
    for (const proxy of proxies) proxy.heal()
    expect((await api(one, 'PUT /admin/prompts/goals/user', edit)).status).toBe(200)
    await waitFor(async () => {
      const { text, headers } = await api(other, 'GET /prompts/goals', { key })
      return text.includes('After the outage') && headers['prompts-stale'] === undefined
    }, PROMPTLY_MS)
  })

  test('are ready once a credential can be verified, soon after Secrets Manager is there', async () => {
    const { secrets, key, settings } = stage
    secrets.outage()
    const late = await startServer(settings)
    const readiness = async () => (await fetch(`${late.url}/readyz`)).status
    expect(await readiness()).toBe(503)
    expect(await api(late, 'GET /prompts/goals', { key })).toMatchObject({ status: 503 })
    secrets.heal()
    await waitFor(async () => (await readiness()) === 200, 10_000)
    expect((await api(late, 'GET /prompts/goals', { key })).status).toBe(200)
  })

  test('end in good order, and log neither secrets nor texts', async () => {
    const { key, token, one, other } = stage
    await api(one, 'PUT /admin/prompts/goals/user', { token, body: { content: 'CANARY-TEXT {{user_name}}' } })
    await api(one, 'GET /prompts/goals', { key: 'CANARY-KEY' })
    for (const server of [one, other]) {
      expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
      const said = server.stdout() + server.stderr()
      expect(said).not.toMatch(/CANARY|Stack|at file:/)
      expect(said).not.toContain(key.slice(-20))
      expect(said).not.toContain(token)
    }
  })
})
