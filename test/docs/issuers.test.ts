import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tokenVerifier } from '../../src/adapters/jwt/token-verifier.ts'
import { loadConfig } from '../../src/config.ts'
import { failureOf } from '../helpers/errors.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'
import { mintWithSecret } from '../helpers/tokens.ts'

const SECRET = 'a secret of more than 32 characters, for tests'
const EXPIRY = Math.floor(Date.now() / 1000) + 3600
const text = readFileSync(join(PACKAGE_ROOT, 'docs/identity.md'), 'utf8')

/** The settings that the document shows for an issuer. */
function settingsFor(issuer: string): Record<string, string> {
  const [, block = ''] = new RegExp(`\\*\\*${issuer}\\*\\*[^]*?\`\`\`sh\\n([^]*?)\`\`\``).exec(text) ?? []
  const lines = [...block.matchAll(/^export (\w+)=(\S+)/gm)]
  return Object.fromEntries(lines.map(([, name, value]) => [name, value]))
}

/** Verifies by the settings; the key alone is one of this test, as nobody else can sign with the issuer's. */
function verifierFor(issuer: string) {
  const { tokens } = loadConfig(settingsFor(issuer))
  const settings = { ...tokens, algorithms: ['HS256'] }
  return tokenVerifier(
    settings,
    () => Buffer.from(SECRET),
    () => new Date(),
  )
}

const COGNITO = {
  sub: '4f1g2h3j4k5l6m7n8p9q0r1s2t',
  token_use: 'access',
  scope: 'prompts-api/prompts:read',
  iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E',
  version: 2,
  client_id: '4f1g2h3j4k5l6m7n8p9q0r1s2t',
}
const ENTRA = {
  aud: '1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809',
  iss: 'https://login.microsoftonline.com/8a6d2c1e-0b7f-4c39-9d55-3f1e6a7b8c90/v2.0',
  azp: '7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f',
  oid: '0f1e2d3c-4b5a-4697-8877-665544332211',
  roles: ['service'],
  sub: '0f1e2d3c-4b5a-4697-8877-665544332211',
  tid: '8a6d2c1e-0b7f-4c39-9d55-3f1e6a7b8c90',
  ver: '2.0',
}
const AUTH0 = {
  iss: 'https://acme.eu.auth0.com/',
  sub: 'auth0|64f0c2',
  aud: ['https://prompts.example.com/mcp', 'https://acme.eu.auth0.com/userinfo'],
  azp: 'Xy12',
  scope: 'openid profile',
  permissions: ['prompts:read'],
}
const KEYCLOAK = {
  iss: 'https://keycloak.example.com/realms/acme',
  aud: ['prompts.example.com', 'account'],
  sub: 'f3c1',
  typ: 'Bearer',
  azp: 'prompts.example.com',
  realm_access: { roles: ['offline_access', 'admin'] },
  resource_access: { 'prompts.example.com': { roles: ['service'] }, account: { roles: ['admin'] } },
}
const OKTA = {
  ver: 1,
  iss: 'https://acme.okta.com/oauth2/default',
  aud: 'api://default',
  cid: '0oa1',
  scp: ['prompts:read'],
  sub: '0oa1',
}

test.each([
  ['Amazon Cognito', COGNITO, { client_id: 'another' }],
  ['Microsoft Entra ID', ENTRA, { aud: 'another' }],
  ['Auth0', AUTH0, { aud: 'another' }],
  ['Keycloak', KEYCLOAK, { aud: 'account' }],
  ['Okta', OKTA, { aud: 'another' }],
])(
  'with the settings for %s its token is a service, one for another audience is refused',
  async (issuer, claims, other) => {
    const { verify } = verifierFor(issuer)
    const mint = mintWithSecret(SECRET)
    const caller = await verify(mint({ ...claims, exp: EXPIRY }))
    expect(caller).toMatchObject({ role: 'service', subject: claims.sub })
    const refusal = await failureOf(() => verify(mint({ ...claims, ...other, exp: EXPIRY })))
    expect(refusal.message).toBe('The token is meant for another audience.')
  },
)

test('a token without the claim that holds the audience is refused', async () => {
  const { client_id: _, ...claims } = COGNITO
  const { verify } = verifierFor('Amazon Cognito')
  const refusal = await failureOf(() => verify(mintWithSecret(SECRET)({ ...claims, exp: EXPIRY })))
  expect(refusal.message).toBe('The token has no claim "client_id".')
})
