import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ask } from '../../../helpers/raw.ts'
import { type SigningKey, sharedIssuer, sharedServer } from '../../../helpers/shared.ts'
import {
  encoded,
  listTools,
  listToolsWith,
  localMint,
  type Mint,
  mintWithKey,
  mintWithSecret,
  secondsFromNow,
  tampered,
  toolsIn,
} from '../../../helpers/tokens.ts'

const AUDIENCE = 'prompts'
const NO_THROTTLE = { PROMPTS_LIMIT_AUTH_FAILURES: '1000000' }
const issuer = sharedIssuer()
const byLocalSecret = sharedServer(() => ({
  ...NO_THROTTLE,
  PROMPTS_JWT_ISSUER: issuer.url,
  PROMPTS_JWT_AUDIENCE: AUDIENCE,
}))
const byIssuerKeys = sharedServer(() => ({
  ...NO_THROTTLE,
  PROMPTS_JWT_JWKS_URL: issuer.jwksUrl,
  PROMPTS_JWT_ISSUER: issuer.url,
  PROMPTS_JWT_AUDIENCE: `other, ${AUDIENCE}`,
}))
const mints = {} as { local: Mint; issuer: Mint }
beforeAll(async () => {
  mints.local = await localMint(byLocalSecret.folder)
  mints.issuer = mintWithKey(issuer.keys.RS256)
})

const MODES = [
  {
    mode: 'local secret',
    server: byLocalSecret,
    mint: (...words: Parameters<Mint>) => mints.local(...words),
  },
  { mode: 'issuer keys', server: byIssuerKeys, mint: (...words: Parameters<Mint>) => mints.issuer(...words) },
] as const

/** Claims that are right, apart from `change`. */
const claims = (change: object = {}) => ({
  iss: issuer.url,
  aud: AUDIENCE,
  sub: 'somebody',
  role: 'admin',
  exp: secondsFromNow(60),
  ...change,
})
const withoutClaim = (name: string) =>
  Object.fromEntries(Object.entries(claims()).filter(([member]) => member !== name))

/** A key that calls itself like one of the issuer's. */
function foreignKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', kid: 'RS256' }
}

describe.each(MODES)('Tokens, $mode:', ({ server, mint }) => {
  async function expectRefused(token: string, sentence: RegExp) {
    const answer = await listToolsWith(server.url, token)
    expect({ status: answer.status, text: answer.text }).toEqual({
      status: 401,
      text: expect.stringMatching(sentence),
    })
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'unauthenticated' })
    expect(answer.text).not.toContain(token.slice(-20))
  }

  test('a right token is accepted', async () => {
    const answer = await listToolsWith(server.url, mint(claims()))
    expect(answer.status).toBe(200)
    expect(toolsIn(answer)).toContain('create_topic')
  })

  test('alg none is refused', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const unsigned = `${encoded({ alg, typ: 'JWT' })}.${encoded(claims())}.`
      await expectRefused(unsigned, /algorithm|not a valid token/)
    }
    const [, payload] = mint(claims()).split('.')
    await expectRefused(`${encoded({ alg: 'none' })}.${payload}.x`, /algorithm|not a valid token/)
  })

  test('another issuer is refused', async () =>
    expectRefused(mint(claims({ iss: 'https://evil.example' })), /another issuer/))

  test('another audience is refused', async () =>
    expectRefused(mint(claims({ aud: ['evil', 'prompts2'] })), /another audience/))

  test.each(['iss', 'aud', 'exp'])('a token without %s is refused', async (name) =>
    expectRefused(mint(withoutClaim(name)), new RegExp(`no claim \\\\"${name}`)),
  )

  test('an expired token is refused', async () =>
    expectRefused(mint(claims({ exp: secondsFromNow(-6) })), /has expired/))

  test('a token that is not valid yet is refused', async () =>
    expectRefused(mint(claims({ nbf: secondsFromNow(30) })), /not valid yet/))

  test('times that are no numbers are refused', async () => {
    await expectRefused(mint(claims({ exp: '9999999999' })), /not a number/)
    await expectRefused(mint(claims({ nbf: 'now' })), /not a number/)
  })

  test('a tampered claim is refused', async () => {
    const honest = mint(claims({ role: 'user' }))
    expect((await listToolsWith(server.url, honest)).status).toBe(403)
    await expectRefused(tampered(honest, { role: 'admin' }), /signature is not valid/)
  })

  test('a foreign key is refused', async () => {
    await expectRefused(mintWithSecret('x'.repeat(43))(claims()), /signature|algorithm/)
    const foreign = mintWithKey(foreignKey())
    await expectRefused(foreign(claims()), /signature|algorithm/)
    await expectRefused(foreign(claims(), { kid: 'unheard-of' }), /does not publish|algorithm/)
  })

  test('an extension that is critical and unknown is refused (crit)', async () => {
    const exp2 = 1
    for (const header of [
      { crit: ['exp2'], exp2 },
      { crit: ['exp2'] },
      { crit: [] },
      { crit: 'exp2', exp2 },
    ]) {
      await expectRefused(mint(claims(), header), /not a valid token/)
    }
    expect((await listToolsWith(server.url, mint(claims(), { exp2 }))).status).toBe(200)
  })

  test('addresses and keys in the header are never followed (jku, x5u, jwk)', async () => {
    let visits = 0
    const trap = createServer((_, answer) => {
      visits++
      answer.end('{"keys": []}')
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void trap.close())
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`
    const key = foreignKey()
    const { kty, n, e } = key
    for (const header of [{ jku: address }, { x5u: address }, { jwk: { kty, n, e } }]) {
      await expectRefused(mintWithKey(key)(claims(), header), /signature|algorithm/)
      await expectRefused(mintWithKey(key)(claims(), { ...header, kid: 'other' }), /not publish|algorithm/)
      // They do not harm a right token either.
      expect((await listToolsWith(server.url, mint(claims(), header))).status).toBe(200)
    }
    expect(visits).toBe(0)
  })

  test('a token of 100 KB is refused', async () => {
    const answer = await listToolsWith(server.url, mint(claims({ padding: 'x'.repeat(100_000) })))
    expect(answer.status).toBe(431)
    expect((await listToolsWith(server.url, mint(claims()))).status).toBe(200)
  })

  test('a token without a role, or with none of the ladder, has the role user', async () => {
    for (const token of [mint(withoutClaim('role')), mint(claims({ role: 'superuser' }))]) {
      const answer = await listToolsWith(server.url, token)
      expect({ status: answer.status, text: answer.text }).toEqual({
        status: 403,
        text: expect.stringContaining('"forbidden"'),
      })
    }
  })

  test('the role of a token decides which tools it sees', async () => {
    const service = toolsIn(await listToolsWith(server.url, mint(claims({ role: 'service' }))))
    expect(service).toContain('get_prompts')
    expect(service).not.toContain('create_topic')
  })

  test('garbage is refused', async () => {
    for (const text of ['x', 'a.b.c', '..', '....', 'e30.e30.', `${'.'.repeat(5000)}`, encoded(claims())]) {
      await expectRefused(text, /not a valid token|algorithm|signature/)
    }
  })

  test('a token in the address counts for nothing', async () => {
    const token = mint(claims())
    for (const name of ['access_token', 'token', 'authorization', 'api_key', 'x-api-key']) {
      const { status } = await ask(`${server.url}/mcp?${name}=${token}`, { method: 'POST', body: '{}' })
      expect(status).toBe(401)
    }
  })

  test('two credentials in one request are refused', async () => {
    const authorization = `Bearer ${mint(claims())}`
    const both = await listTools(server.url, { authorization, 'x-api-key': server.key })
    expect(both.status).toBe(401)
    for (const twice of [
      { authorization: [authorization, authorization] },
      { 'x-api-key': [server.key, server.key] },
    ]) {
      const answer = await listTools(server.url, twice as unknown as Record<string, string>)
      expect({ status: answer.status, text: answer.text }).toEqual({
        status: 401,
        text: expect.stringContaining('one credential only'),
      })
    }
  })
})

test('Tokens: the public key of an issuer is no HS256 secret', async () => {
  const { kty, n, e, kid } = issuer.keys.RS256
  const pem = createPublicKey({ key: { kty, n, e } as JsonWebKey, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
  const published = await (await fetch(issuer.jwksUrl)).text()
  const texts = [pem, pem.trim(), published, JSON.stringify({ kty, n, e }), String(n)]
  for (const secret of texts) {
    const forged = mintWithSecret(secret)(claims(), { kid })
    const answer = await listToolsWith(byIssuerKeys.url, forged)
    expect({ status: answer.status, text: answer.text }).toEqual({
      status: 401,
      text: expect.stringContaining('algorithm'),
    })
  }
})

test.each(['RS256', 'ES256', 'EdDSA'] as const)(
  'Tokens: %s by the keys of an issuer is accepted',
  async (alg) => {
    const mint = mintWithKey(issuer.keys[alg])
    expect((await listToolsWith(byIssuerKeys.url, mint(claims()))).status).toBe(200)
  },
)

test('Tokens: the scheme is Bearer in any case, and no other', async () => {
  const token = mints.local(claims())
  const statusOf = async (authorization: string) =>
    (await listTools(byLocalSecret.url, { authorization })).status
  expect(await statusOf(`bearer ${token}`)).toBe(200)
  expect(await statusOf(`BEARER   ${token}`)).toBe(200)
  for (const wrong of [
    token,
    `Basic ${token}`,
    'Bearer',
    `Bearer ${token} x`,
    `Bearer ${token},`,
    `Bearer"${token}"`,
  ])
    expect({ wrong, status: await statusOf(wrong) }).toEqual({ wrong, status: 401 })
})
