import { userInfo } from 'node:os'
import { expect, test } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { type Environment, runProgram, startServer } from '../helpers/program.ts'
import { listToolsWith, toolsIn } from '../helpers/tokens.ts'

/** `token …` on a data folder of its own. */
async function tokenIn(settings: Environment = {}) {
  const all = { PROMPTS_DATA_DIR: await tempFolder(), ...settings }
  return { settings: all, token: (...words: string[]) => runCommand(['token', ...words], all) }
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

test('a token stands alone on stdout: an administrator, the user, for an hour', async () => {
  const { token } = await tokenIn()
  const { code, stdout, stderr } = await token()
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) })
  const claims = claimsOf(stdout)
  expect(claims).toEqual({
    role: 'admin',
    sub: userInfo().username,
    jti: expect.any(String),
    iat: expect.any(Number),
    exp: Number(claims['iat']) + 3600,
  })
  expect(stderr).not.toContain(stdout.slice(0, 20))
})

test('a token says what it is told to, in the claims that the settings name', async () => {
  const { token } = await tokenIn({
    PROMPTS_JWT_ISSUER: 'us',
    PROMPTS_JWT_AUDIENCE: 'one, two',
    PROMPTS_JWT_ROLE_CLAIM: 'realm_access.roles',
  })
  const { stdout } = await token('--role', 'service', '--sub', 'nightly', '--tenant', 't7', '--ttl', '90s')
  const claims = claimsOf(stdout)
  expect(claims).toMatchObject({
    'realm_access.roles': 'service',
    sub: 'nightly',
    tenant_id: 't7',
    iss: 'us',
    aud: ['one', 'two'],
    exp: Number(claims['iat']) + 90,
  })
})

test('a running server takes the token that a later command prints', async () => {
  const { settings } = await tokenIn({
    PROMPTS_JWT_ISSUER: 'us',
    PROMPTS_JWT_AUDIENCE: 'one, two',
    PROMPTS_JWT_ROLE_CLAIM: 'realm_access.roles',
  })
  const { url } = await startServer(settings)
  const token = (...words: string[]) => runProgram(['token', ...words], settings)
  const answer = await listToolsWith(url, (await token()).stdout.trim())
  expect(toolsIn(answer)).toContain('create_topic')
  expect((await listToolsWith(url, (await token('--role', 'user')).stdout.trim())).status).toBe(403)
})

test.each([
  ['--role', 'root'],
  ['--sub', ''],
  ['--sub', 'a\nb'],
  ['--sub', 'x'.repeat(201)],
  ['--tenant', ''],
  ['--ttl', '366d'],
  ['--ttl', '1y'],
  ['--ttl', '0s'],
  ['--ttl', '9000h'],
])('%s %j is refused by name, with exit code 2', async (option, value) => {
  const { token } = await tokenIn()
  const { code, stdout, stderr } = await token(option, value)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(new RegExp(`^Invalid input: ${option.slice(2)}: [^\\n]+\\n$`))
})

test('where an issuer signs, none is signed here', async () => {
  const { token } = await tokenIn({
    PROMPTS_JWT_JWKS_URL: 'https://issuer.example/jwks',
    PROMPTS_JWT_ISSUER: 'https://issuer.example',
    PROMPTS_JWT_AUDIENCE: 'prompts',
  })
  const { code, stdout, stderr } = await token()
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toContain('PROMPTS_JWT_JWKS_URL')
})
