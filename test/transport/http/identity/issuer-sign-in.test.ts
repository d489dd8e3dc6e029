import { OAuth2Server } from 'oauth2-mock-server'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LocalServer, startLocal } from '../../../helpers/local-server.ts'
import { earlyInMinute } from '../../../helpers/minute.ts'

const issuer = new OAuth2Server()
const CLIENT = 'prompts-page'

beforeAll(async () => {
  await issuer.issuer.keys.generate('RS256')
  await issuer.start(0, '127.0.0.1')
  issuer.issuer.url = `http://127.0.0.1:${issuer.address().port}`
  return () => issuer.stop()
})
afterEach(() => void issuer.service.removeAllListeners())

function start(settings = {}): Promise<LocalServer> {
  const url = issuer.issuer.url as string
  return startLocal(
    {
      PROMPTS_JWT_JWKS_URL: `${url}/jwks`,
      PROMPTS_JWT_ISSUER: url,
      PROMPTS_JWT_AUDIENCE: 'prompts-api',
      PROMPTS_OIDC_CLIENT_ID: CLIENT,
      ...settings,
    },
    { 'index.html': '<meta name="sign-in" content="SIGN_IN_BY" />' },
  )
}

interface Token {
  payload: Record<string, unknown>
}

/** What the issuer says in its tokens: `id` and `access` are by the audience that they are for. */
function tokensSay({ id = {}, access = {} }: { id?: object; access?: object }): void {
  issuer.service.on('beforeTokenSigning', ({ payload }: Token) => {
    Object.assign(payload, payload['aud'] === CLIENT ? id : { aud: 'prompts-api', ...access })
  })
}

const cookiesIn = ({ headers }: { headers: { 'set-cookie'?: string[] } }) =>
  Object.fromEntries(
    (headers['set-cookie'] ?? []).map(
      (line) => (line.split(';')[0] as string).split(/=(.*)/) as [string, string],
    ),
  )

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** Goes to the issuer, where nobody has to type anything, and back; `change` may tamper with the way back. */
async function goThere({ ask }: LocalServer, change: (way: URL) => void = () => {}) {
  const begun = await ask('GET /admin/sign-in', { headers: BROWSER })
  expect(begun.status).toBe(303)
  const atIssuer = await fetch(begun.headers.location as string, { redirect: 'manual' })
  const back = new URL(atIssuer.headers.get('location') as string)
  change(back)
  return { begun, back, cookie: begun.headers['set-cookie']?.[0]?.split(';')[0] ?? '' }
}

async function comeBack({ ask }: LocalServer, { back, cookie }: { back: URL; cookie: string }, headers = {}) {
  return ask(`GET ${back.pathname}${back.search}`, { headers: { ...BROWSER, cookie, ...headers } })
}

async function signIn(server: LocalServer, change?: (way: URL) => void) {
  return comeBack(server, await goThere(server, change))
}

describe('an administrator', () => {
  test.each([
    ['by the ID token', { id: { role: 'admin', email: 'ada@example.com', tenant_id: 'acme' } }],
    ['by the access token', { id: { email: 'ada@example.com' }, access: { role: 'admin' } }],
  ])('signs in, %s', async (_, tokens) => {
    tokensSay(tokens)
    const server = await start()
    const answer = await signIn(server)
    expect(answer.status).toBe(303)
    expect(answer.headers).toMatchObject({ location: '/admin/', 'cache-control': 'no-store' })
    const { purposepath_session = '', purposepath_sign_in } = cookiesIn(answer)
    expect(purposepath_sign_in).toBe('')
    const headers = { cookie: `purposepath_session=${purposepath_session}` }
    const session = await server.ask('GET /api/v1/session', { headers })
    expect(JSON.parse(session.text)).toEqual({ data: { subject: 'ada@example.com', role: 'admin' } })
    expect((await server.ask('GET /admin/')).text).toContain('content="issuer"')
    expect(server.events()).toContainEqual(
      expect.objectContaining({ event: 'authenticate', caller: 'ada@example.com', outcome: 'ok' }),
    )
  })

  test('is asked for with PKCE, state and nonce, each new', async () => {
    const server = await start({ PROMPTS_OIDC_SCOPE: 'openid prompts:admin' })
    const [one, other] = await Promise.all([goThere(server), goThere(server)])
    const asked = new URL(one.begun.headers.location as string)
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      client_id: CLIENT,
      response_type: 'code',
      redirect_uri: `${server.url}/admin/sign-in/callback`,
      scope: 'openid prompts:admin',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    })
    const second = new URL(other.begun.headers.location as string).searchParams
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(second.get(name)).not.toBe(asked.searchParams.get(name))
    }
    expect(one.begun.headers['set-cookie']).toEqual([
      expect.stringMatching(/^purposepath_sign_in=[\w.-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
  })

  test('comes back below the path of a public https address', async () => {
    tokensSay({ id: { role: 'admin' } })
    const server = await start({ PROMPTS_PUBLIC_URL: 'https://prompts.example/coaching' })
    const there = await goThere(server)
    expect(there.back.href).toMatch(/^https:\/\/prompts\.example\/coaching\/admin\/sign-in\/callback\?/)
    expect(there.cookie).toMatch(/^__Host-purposepath_sign_in_coaching=/)
    const answer = await comeBack(server, there)
    expect(answer.headers.location).toBe('/coaching/admin/')
    expect(answer.headers['set-cookie']?.[1]).toMatch(/^__Host-purposepath_session_coaching=.*; Secure$/)
  })
})

/** Nobody is signed in, and a page says why. */
function expectNotice(answer: Awaited<ReturnType<typeof signIn>>, status: number, words: string | RegExp) {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.stringMatching(words) })
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none';/)
  expect(cookiesIn(answer)).not.toHaveProperty('purposepath_session')
}

const NOT_FINISHED = /took too long, or was begun in another window/

describe('nobody is signed in', () => {
  test('without the role', async () => {
    tokensSay({ id: { email: '<b>eve</b>@example.com', role: 'service' } })
    const answer = await signIn(await start())
    expectNotice(answer, 403, /&#60;b&#62;eve.* has signed in, but may not edit prompts/)
    expect(answer.text).not.toContain('<b>')
  })

  test('by the role of somebody else’s access token', async () => {
    tokensSay({ id: {}, access: { role: 'admin', sub: 'somebody-else' } })
    expectNotice(await signIn(await start()), 403, 'may not edit prompts')
  })

  test('by another state', async () => {
    tokensSay({ id: { role: 'admin' } })
    const change = (way: URL) => way.searchParams.set('state', 'x'.repeat(43))
    expectNotice(await signIn(await start(), change), 401, NOT_FINISHED)
  })

  test('by the answer to another browser, or to none', async () => {
    tokensSay({ id: { role: 'admin' } })
    const server = await start()
    const [mine, victims] = await Promise.all([goThere(server), goThere(server)])
    expectNotice(await comeBack(server, { ...mine, cookie: victims.cookie }), 401, NOT_FINISHED)
    expectNotice(await comeBack(server, { ...mine, cookie: 'a=b' }), 401, NOT_FINISHED)
    expectNotice(await comeBack(server, { ...mine, cookie: `${mine.cookie}x` }), 401, NOT_FINISHED)
    expectNotice(
      await comeBack(server, { ...mine, cookie: `${mine.cookie}; ${victims.cookie}` }),
      401,
      NOT_FINISHED,
    )
    // A session is signed with the same secret, for another purpose.
    const session = cookiesIn(await comeBack(server, mine))['purposepath_session']
    const planted = `purposepath_sign_in=${session}`
    expectNotice(await comeBack(server, { ...victims, cookie: planted }), 401, NOT_FINISHED)
  })

  test('by another nonce, another audience, another issuer or an old ID token', async () => {
    const server = await start()
    const wrong = [
      { nonce: 'other' },
      { aud: 'other-client' },
      { iss: 'http://127.0.0.1:1' },
      { exp: 1, iat: 0 },
    ]
    for (const id of wrong) {
      issuer.service.removeAllListeners()
      tokensSay({ id: { role: 'admin', ...id } })
      expectNotice(await signIn(server), 401, NOT_FINISHED)
    }
  })

  test('by a code that is used up or too old', async () => {
    tokensSay({ id: { role: 'admin' } })
    const server = await start()
    const there = await goThere(server)
    expect((await comeBack(server, there)).status).toBe(303)
    issuer.service.on('beforeResponse', (response: { statusCode: number; body: unknown }) => {
      Object.assign(response, { statusCode: 400, body: { error: 'invalid_grant' } })
    })
    expectNotice(await signIn(server), 401, NOT_FINISHED)
  })

  test('who says no at the issuer', async () => {
    const change = (way: URL) => {
      way.searchParams.delete('code')
      way.searchParams.set('error', 'access_denied')
    }
    expectNotice(await signIn(await start(), change), 401, 'The sign-in was cancelled.')
  })

  test('by a client that the issuer refuses, which the operator is told', async () => {
    tokensSay({ id: { role: 'admin' } })
    const server = await start({ PROMPTS_OIDC_CLIENT_SECRET: 'SECRET-4711' })
    let sent = ''
    issuer.service.on('beforeResponse', (response: object, { body }: { body: Record<string, string> }) => {
      sent = body['client_secret'] ?? ''
      Object.assign(response, { statusCode: 401, body: { error: 'invalid_client' } })
    })
    expectNotice(await signIn(server), 503, 'The sign-in does not work now.')
    expect(sent).toBe('SECRET-4711')
    const log = JSON.stringify(server.events())
    expect(log).toMatch(/sign-in at http:\S+ fails: invalid_client/)
    expect(log).not.toContain('SECRET-4711')
  })
})

test('an issuer that is out of reach is asked again the next time', async () => {
  const late = new OAuth2Server()
  await late.issuer.keys.generate('RS256')
  await late.start(0, '127.0.0.1')
  const { port } = late.address()
  await late.stop()
  const url = `http://127.0.0.1:${port}`
  const server = await start({ PROMPTS_JWT_ISSUER: url, PROMPTS_JWT_JWKS_URL: `${url}/jwks` })
  const refused = await server.ask('GET /admin/sign-in')
  expect(JSON.parse(refused.text)).toMatchObject({ code: 'unavailable', status: 503 })
  await late.start(port, '127.0.0.1')
  late.issuer.url = url
  expect((await server.ask('GET /admin/sign-in')).status).toBe(303)
  await late.stop()
})

test('failing attempts are counted, and no token, code or secret is logged', async () => {
  tokensSay({ id: { role: 'admin' } })
  const server = await start({ PROMPTS_LIMIT_AUTH_FAILURES: '2' })
  const there = await goThere(server)
  const session = cookiesIn(await comeBack(server, there))['purposepath_session'] ?? ''
  await earlyInMinute()
  const statuses = []
  for (let round = 0; round < 3; round++) {
    statuses.push((await server.ask('GET /admin/sign-in/callback?code=x&state=y')).status)
  }
  expect(statuses).toEqual([401, 401, 429])
  const log = JSON.stringify(server.events())
  for (const secret of [session, there.cookie.split('=')[1], there.back.searchParams.get('code')]) {
    expect(secret).toBeTruthy()
    expect(log).not.toContain(secret)
  }
})

test('without a client there is no way to the issuer', async () => {
  const server = await start({ PROMPTS_OIDC_CLIENT_ID: '' })
  expect((await server.ask('GET /admin/sign-in')).status).toBe(401)
  expect((await server.ask('GET /admin/sign-in/callback?code=x')).headers['set-cookie']).toBeUndefined()
  expect((await server.ask('GET /admin/')).text).toContain('content="link"')
})
