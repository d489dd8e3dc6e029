import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { createIdentity } from '../../../src/adapters/jwt/identity.ts'
import { jwtSecret } from '../../../src/adapters/secrets-manager/jwt-secret.ts'
import { signingSecretContract, textOf } from '../../contracts/signing-secret.ts'
import { failureOf } from '../../helpers/errors.ts'
import { collectWarnings, openSecret } from './secret.ts'

const NAME = 'purposepath-jwt-secret-test'
const LONG = 'CANARY-SECRET of more than thirty-two bytes'

async function opened(initial?: object | string) {
  const secret = await openSecret(initial, NAME)
  const time = { now: Date.parse('2026-03-01T00:00:00Z') }
  const { told, warn } = collectWarnings()
  const jwt = jwtSecret(secret.client, NAME, () => new Date(time.now), {
    staleIfErrorMs: 600_000,
    warn,
  })
  return { secret, time, jwt, warnings: told }
}

describe('a secret in Secrets Manager', () => {
  signingSecretContract(async () => {
    const { secret, time, jwt } = await opened()
    let isMade = false
    return {
      secret: jwt,
      async write(text) {
        await (isMade ? secret.put(text) : secret.make(text))
        isMade = true
      },
      passTime: () => {
        time.now += 30_000
      },
      async outage() {
        secret.server.outage()
        return () => secret.server.heal()
      },
    }
  })
})

test.each([
  ['a text', LONG, LONG],
  ['a text as it stands', `${LONG}\n`, `${LONG}\n`],
  ['JSON with a secret', { secret: LONG, other: 1 }, LONG],
  ['a text after a byte-order mark', `\uFEFF${LONG}`, LONG],
  ['JSON after a byte-order mark', `\uFEFF${JSON.stringify({ secret: LONG })}`, LONG],
  ['digits', '1'.repeat(40), '1'.repeat(40)],
  ['32 bytes of UTF-8', 'ä'.repeat(16), 'ä'.repeat(16)],
])('the secret is %s', async (_, value, expected) => {
  const { jwt } = await opened(value)
  expect(textOf(await jwt.obtain())).toBe(expected)
  expect(textOf(await jwt.current())).toBe(expected)
})

test.each([
  ['short', 'CANARY'],
  ['short in JSON', { secret: 'CANARY' }],
  ['JSON without a secret', { key: LONG }],
  ['JSON with another secret', { secret: [LONG] }],
  ['a list', JSON.stringify([LONG])],
])('what is no secret is unavailable, and the operator learns why: %s', async (_, value) => {
  const { jwt, warnings } = await opened(value)
  await jwt.start()
  const error = await failureOf(() => jwt.obtain())
  expect(error.code).toBe('unavailable')
  expect(error.operatorMessage).toContain(NAME)
  expect(error.operatorMessage).toContain('at least 32 bytes')
  expect((await failureOf(() => jwt.current())).code).toBe('unavailable')
  expect(warnings).toHaveLength(1)
  expect(`${error.operatorMessage} ${error.message} ${warnings}`).not.toContain('CANARY')
})

test('a secret that is not there is named with what creates it, and found when it is', async () => {
  const { secret, jwt, time, warnings } = await opened()
  const { code, operatorMessage } = await failureOf(() => jwt.obtain())
  expect({ code, operatorMessage }).toEqual({
    code: 'unavailable',
    operatorMessage: expect.stringMatching(
      /purposepath-jwt-secret-test.*purposepath-prompts provision.*PROMPTS_JWT_SECRET_NAME/,
    ),
  })
  expect(await jwt.current()).toBeUndefined()
  expect(warnings).toHaveLength(1)
  await secret.make(LONG)
  time.now += 30_000
  await jwt.current()
  expect(textOf(await jwt.current())).toBe(LONG)
})

test('a changed secret counts within 30 seconds', async () => {
  const { secret, jwt, time } = await opened(LONG)
  await jwt.obtain()
  await secret.put(`new ${LONG}`)
  time.now += 29_999
  expect(textOf(await jwt.obtain())).toBe(LONG)
  time.now += 1
  expect(textOf(await jwt.obtain())).toBe(`new ${LONG}`)
})

test('a known secret outlives an outage and a damage for their time', async () => {
  const { secret, jwt, time, warnings } = await opened(LONG)
  await jwt.start()
  secret.server.outage()
  time.now += 600_000
  expect(textOf(await jwt.obtain())).toBe(LONG)
  secret.server.heal()
  time.now += 5_000
  await expect
    .poll(async () => {
      await jwt.current()
      return secret.count('DescribeSecret')
    })
    .toBeGreaterThan(1)
  await secret.put('short')
  time.now += 60_000
  expect(textOf(await jwt.obtain())).toBe(LONG)
  time.now += 600_000
  expect((await failureOf(() => jwt.obtain())).code).toBe('unavailable')
  expect(warnings).toEqual([
    expect.stringContaining(`cannot read secret ${NAME}`),
    expect.stringContaining(`secret ${NAME} can be read again`),
    expect.stringContaining(`cannot read secret ${NAME}`),
  ])
})

test('tokens and sessions are those of the secret in AWS, within 30 seconds of a change', async () => {
  const { secret, jwt, time } = await opened(LONG)
  const { tokens, sessions, signer } = createIdentity({
    secret: jwt,
    tokens: {
      jwksUrl: undefined,
      issuer: undefined,
      audiences: undefined,
      audienceClaim: 'aud',
      algorithms: ['HS256'],
      roleClaim: 'role',
    },
    client: undefined,
    staleIfErrorMs: 600_000,
    clock: () => new Date(time.now),
    warn: () => {},
  })
  const sign = () => signer.sign({ role: 'admin', subject: 'anna', lifetimeSeconds: 3_600 })
  const token = await sign()
  expect(await jwtVerify(token, Buffer.from(LONG), { currentDate: new Date(time.now) })).toBeDefined()
  expect(await tokens.verify(token)).toMatchObject({ subject: 'anna', role: 'admin' })
  const { cookie } = await sessions.open({ subject: 'anna', owner: { sub: 'anna', tenant: '' } })
  expect(await sessions.read(cookie)).toMatchObject({ subject: 'anna' })

  await secret.put(`new ${LONG}`)
  time.now += 30_000
  expect(await sessions.read(cookie)).toBeUndefined()
  expect((await failureOf(() => tokens.verify(token))).code).toBe('unauthenticated')
  expect(await tokens.verify(await sign())).toMatchObject({ subject: 'anna' })
})
