import { expect, test } from 'vitest'
import { runCommand } from '../../../helpers/command.ts'
import { tempFolder } from '../../../helpers/folders.ts'
import { earlyInMinute } from '../../../helpers/minute.ts'
import { type RunningServer, startServer, waitFor } from '../../../helpers/program.ts'
import { ask, type RawAnswer } from '../../../helpers/raw.ts'
import { sharedServer } from '../../../helpers/shared.ts'
import { listTools, listToolsWith } from '../../../helpers/tokens.ts'

const server = sharedServer(() => ({ PROMPTS_LIMIT_AUTH_FAILURES: '1000000' }))

/** Prints a link for `server`, by the command. */
async function newLink(): Promise<string> {
  const port = new URL(server.url).port
  const { stdout } = await runCommand(['login', '--port', port], { PROMPTS_DATA_DIR: server.folder })
  return stdout.trim()
}

const cookieIn = ({ headers }: RawAnswer) => headers['set-cookie']?.[0]?.split(';')[0] ?? ''

/** The cookie of a browser that has signed in. */
const signIn = async () => cookieIn(await ask(await newLink()))

/** The answer's status to a request that changes something, or could. */
const change = async (headers: Record<string, string>) =>
  (
    await ask(`${server.url}/api/v1/prompts/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"topic_ids": ["core_values"]}',
    })
  ).status

const linkIn = ({ stdout }: RunningServer) => /http\S+\/admin\/sign-in\?code=\S+/.exec(stdout())?.[0] ?? ''

test('the first start prints a link that signs in', async () => {
  const answer = await ask(linkIn(server))
  expect(answer.status).toBe(303)
  expect(answer.headers).toMatchObject({
    location: '/admin/',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  })
  expect(answer.headers['set-cookie']).toEqual([
    expect.stringMatching(/^purposepath_session=[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/),
  ])
  const session = await ask(`${server.url}/api/v1/session`, { headers: { cookie: cookieIn(answer) } })
  expect(JSON.parse(session.text)).toEqual({
    data: { subject: expect.any(String), role: 'admin' },
  })
  expect(session.headers['cache-control']).toBe('no-store')
})

test('later starts print no link and name the commands', async () => {
  const folder = await tempFolder()
  const first = await startServer({ PROMPTS_DATA_DIR: folder })
  expect(linkIn(first)).not.toBe('')
  await first.stop()
  const second = await startServer({ PROMPTS_DATA_DIR: folder })
  expect(second.stdout()).toMatch(/^Serving on .*keys create.*login\n$/)
})

test('behind https, under a path, the cookie says so and the links do too', async () => {
  const PROMPTS_PUBLIC_URL = 'https://prompts.example/coaching'
  const settings = { PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_PUBLIC_URL }
  const secure = await startServer(settings)
  const link = linkIn(secure)
  expect(link).toMatch(/^https:\/\/prompts\.example\/coaching\/admin\/sign-in\?code=/)
  const answer = await ask(link.replace('https://prompts.example', secure.url))
  expect(answer.headers.location).toBe('/coaching/admin/')
  expect(answer.headers['set-cookie']?.[0]).toMatch(
    /^__Host-purposepath_session_coaching=[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  )
  const session = await ask(`${secure.url}/coaching/api/v1/session`, {
    headers: { cookie: cookieIn(answer) },
  })
  expect(session.status).toBe(200)
  expect((await runCommand(['login'], settings)).stdout).toMatch(
    /^https:\/\/prompts\.example\/coaching\/admin\/sign-in\?code=[\w-]{43}\n$/,
  )
})

test('a link works once', async () => {
  const link = await newLink()
  const answers = await Promise.all([ask(link), ask(link), ask(link)])
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 401, 401])
  const again = await ask(link)
  expect(JSON.parse(again.text)).toMatchObject({
    code: 'unauthenticated',
    detail: expect.stringContaining('purposepath-prompts login'),
  })
  expect(again.headers['set-cookie']).toBeUndefined()
})

test('HEAD does not use a link up', async () => {
  const link = await newLink()
  expect((await ask(link, { method: 'HEAD' })).status).toBe(405)
  expect((await ask(link)).status).toBe(303)
})

test('made-up codes count as failed attempts', async () => {
  const strict = await startServer({ PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_LIMIT_AUTH_FAILURES: '3' })
  await earlyInMinute()
  const statuses = []
  for (const query of ['', '?code=', '?code=x', '?code=x&code=y']) {
    statuses.push((await ask(`${strict.url}/admin/sign-in${query}`)).status)
  }
  expect(statuses).toEqual([401, 401, 401, 429])
  // A right one is not refused because of others.
  expect((await ask(linkIn(strict))).status).toBe(303)
})

/** What a request of this server's page says in its headers: in a browser of today, and in one before Fetch Metadata. */
const today = () => ({ 'sec-fetch-site': 'same-origin', origin: server.url })
const before2020 = () => ({ origin: server.url })

test('a session may read, and change what its own page asks for', async () => {
  const cookie = await signIn()
  const read = await ask(`${server.url}/api/v1/admin/prompts`, { headers: { cookie } })
  expect(read.status).toBe(200)
  for (const headers of [today(), before2020(), { 'sec-fetch-site': 'same-origin' }]) {
    expect({ headers, status: await change({ cookie, ...headers }) }).toEqual({ headers, status: 200 })
  }
})

test('a change that is not known to come from a page of this server has no session', async () => {
  const cookie = await signIn()
  const port = new URL(server.url).port
  const attacks: Record<string, string>[] = [
    // A browser that says nothing, or a program with a stolen cookie.
    {},
    // A form of another site, in today's browsers and in old ones; of a page in a sandbox, or a file.
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
    { origin: 'null', 'sec-fetch-site': 'cross-site' },
    // Another server of this machine, and one of a neighbouring name: the same site, another origin.
    { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' },
    { origin: 'http://127.0.0.1:1' },
    { origin: `http://localhost:${port}` },
    { 'sec-fetch-site': 'same-site' },
    // An address that a person was made to open.
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'none', origin: server.url },
    // Headers that contradict each other.
    { 'sec-fetch-site': 'same-site', origin: server.url },
    { 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'same-origin, cross-site', origin: server.url },
    { 'sec-fetch-site': '', origin: server.url },
  ]
  for (const headers of attacks) {
    const status = await change({ cookie, ...headers })
    // An origin that may not call at all is refused as such.
    const isForeign = headers['origin'] === 'null' || headers['origin']?.includes('evil')
    expect({ headers, status }).toEqual({ headers, status: isForeign ? 403 : 401 })
  }
})

test('a session counts only for pages of this server', async () => {
  const cookie = await signIn()
  const statusOf = async (headers: Record<string, string>) =>
    (await ask(`${server.url}/api/v1/session`, { headers: { cookie, ...headers } })).status
  expect(await statusOf({ origin: server.url, 'sec-fetch-site': 'same-origin' })).toBe(200)
  expect(await statusOf({ 'sec-fetch-site': 'none' })).toBe(200)
  for (const foreign of [
    { origin: 'http://127.0.0.1:1' },
    { origin: 'http://localhost:3000' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: server.url, 'sec-fetch-site': 'same-site' },
  ]) {
    const headers = foreign as unknown as Record<string, string>
    expect({ headers, status: await statusOf(headers) }).toEqual({ headers, status: 401 })
  }
})

test('a session counts only for the REST API, and beside no other credential', async () => {
  const cookie = await signIn()
  expect((await listTools(server.url, { cookie })).status).toBe(401)
  expect((await listTools(server.url, { cookie, 'x-api-key': server.key })).status).toBe(200)
  const both = { cookie, 'x-api-key': server.key }
  expect((await ask(`${server.url}/api/v1/session`, { headers: both })).status).toBe(401)
  const twice = { cookie: `${cookie}; ${cookie}` }
  expect((await ask(`${server.url}/api/v1/session`, { headers: twice })).status).toBe(401)
  const among = { cookie: `a=b; ${cookie}; c="d"` }
  expect((await ask(`${server.url}/api/v1/session`, { headers: among })).status).toBe(200)
})

test('a session is no bearer token, and a bearer token is no session', async () => {
  const cookie = await signIn()
  expect((await listToolsWith(server.url, cookie.split('=')[1] ?? '')).status).toBe(401)
  const token = (await runCommand(['token'], { PROMPTS_DATA_DIR: server.folder })).stdout.trim()
  expect((await listToolsWith(server.url, token)).status).toBe(200)
  const headers = { cookie: `purposepath_session=${token}` }
  expect((await ask(`${server.url}/api/v1/session`, { headers })).status).toBe(401)
})

test('only a session can be asked for and ended', async () => {
  for (const method of ['GET', 'DELETE']) {
    const headers = { 'x-api-key': server.key }
    expect((await ask(`${server.url}/api/v1/session`, { method, headers })).status).toBe(401)
    expect((await ask(`${server.url}/api/v1/session`, { method })).status).toBe(401)
  }
})

test('signing out takes the cookie from the browser', async () => {
  const cookie = await signIn()
  const signOut = (headers: Record<string, string>) =>
    ask(`${server.url}/api/v1/session`, { method: 'DELETE', headers: { cookie, ...headers } })
  expect((await signOut({})).status).toBe(401)
  const answer = await signOut(today())
  expect({ status: answer.status, body: JSON.parse(answer.text) as unknown }).toEqual({
    status: 200,
    body: { data: { message: 'Signed out.' } },
  })
  expect(answer.headers['set-cookie']?.[0]).toMatch(/^purposepath_session=; Max-Age=0; Path=\/; HttpOnly/)
})

test('neither codes nor cookies are logged', async () => {
  const refusals = () => server.stderr().split('"caller":"(sign-in)"').length
  const before = refusals()
  const link = await newLink()
  const cookie = cookieIn(await ask(link))
  await ask(`${server.url}/api/v1/session`, { headers: { cookie } })
  await ask(link)
  await waitFor(() => refusals() > before)
  const log = server.stderr()
  expect(log).not.toContain(new URL(link).searchParams.get('code'))
  expect(log).not.toContain(cookie.split('=')[1])
})
