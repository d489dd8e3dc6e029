import { expect, test } from 'vitest'
import { tokenVerifier } from '../../../src/adapters/jwt/token-verifier.ts'
import { failureOf } from '../../helpers/errors.ts'
import { mintWithSecret } from '../../helpers/tokens.ts'

const SECRET = 'a secret of more than 32 characters, for tests'
const START = Date.parse('2026-01-01T00:00:00Z') / 1000

/** A verifier with a clock that tests set, and how often it looked for a key. */
function openVerifier(jwksUrl?: string) {
  const settings = {
    jwksUrl,
    issuer: undefined,
    audiences: undefined,
    audienceClaim: 'aud',
    algorithms: ['HS256'],
    roleClaim: 'role',
  }
  const state = { now: START * 1000, secret: SECRET, looks: 0 }
  const keyOf = () => {
    state.looks++
    return Buffer.from(state.secret)
  }
  const { verify } = tokenVerifier(settings, keyOf, () => new Date(state.now))
  return { state, verify, mint: mintWithSecret(SECRET) }
}

test('an accepted token is not verified again for 30 seconds, and then is', async () => {
  const { state, verify, mint } = openVerifier()
  const token = mint({ sub: 's', exp: START + 3600 })
  const caller = await verify(token)
  expect(caller).toEqual({
    kind: 'token',
    subject: 's',
    role: 'user',
    owner: { sub: 's', tenant: '' },
    limitKey: 'token::s',
  })
  state.now += 29_999
  expect(await verify(token)).toBe(caller)
  expect(state.looks).toBe(1)
  state.now += 1
  expect(await verify(token)).toEqual(caller)
  expect(state.looks).toBe(2)
})

test('a changed secret counts within 30 seconds for tokens accepted before', async () => {
  const { state, verify, mint } = openVerifier()
  const token = mint({ exp: START + 3600 })
  await verify(token)
  state.secret = 'another secret of more than 32 characters'
  state.now += 30_000
  expect((await failureOf(() => verify(token))).message).toBe("The token's signature is not valid.")
})

test('a token ends at the instant that it names, also when it was accepted just before', async () => {
  const { state, verify, mint } = openVerifier()
  const token = mint({ exp: START + 10 })
  await verify(token)
  state.now += 9_999
  await verify(token)
  state.now += 1
  expect((await failureOf(() => verify(token))).message).toBe('The token has expired.')
})

test('the clock of an issuer may be 5 seconds off, our own may not', async () => {
  const issued = openVerifier('https://issuer.example/jwks')
  const token = issued.mint({ exp: START + 10, nbf: START + 5 })
  await issued.verify(token)
  issued.state.now += 14_999
  await issued.verify(token)
  issued.state.now += 1
  expect((await failureOf(() => issued.verify(token))).message).toBe('The token has expired.')
  const ours = openVerifier()
  const early = ours.mint({ exp: START + 10, nbf: START + 1 })
  expect((await failureOf(() => ours.verify(early))).message).toBe('The token is not valid yet.')
})

test('refused tokens are not remembered', async () => {
  const { state, verify, mint } = openVerifier()
  const token = mint({ exp: START + 100, nbf: START + 1 })
  await failureOf(() => verify(token))
  state.now += 1_000
  await verify(token)
})

test('a refusal repeats nothing of the token', async () => {
  const { verify, mint } = openVerifier()
  for (const token of [
    mint({ sub: 'CANARY', exp: START - 1 }),
    mint({ sub: 'CANARY\n', exp: START + 1 }),
    mint({ exp: 'CANARY' }),
    mint({ sub: 'CANARY' }),
    mint({ exp: START + 9 }, { alg: 'CANARY' }),
    mint({ exp: START + 9 }, { crit: ['CANARY'], CANARY: 1 }),
    `CANARY${'.x'.repeat(9000)}`,
  ]) {
    const { code, message, cause } = await failureOf(() => verify(token))
    expect({ code, cause }).toEqual({ code: 'unauthenticated', cause: undefined })
    expect(message).not.toContain('CANARY')
  }
})
