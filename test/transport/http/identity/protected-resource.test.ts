import * as modern from '@modelcontextprotocol/client'
import * as v1 from '@modelcontextprotocol/sdk/client/auth.js'
import { expect, test } from 'vitest'
import { tempFolder } from '../../../helpers/folders.ts'
import { startServer } from '../../../helpers/program.ts'
import { ask } from '../../../helpers/raw.ts'
import { sharedIssuer, sharedServer } from '../../../helpers/shared.ts'
import { listTools, listToolsWith } from '../../../helpers/tokens.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const issuer = sharedIssuer()
const server = sharedServer(() => ({
  PROMPTS_JWT_JWKS_URL: issuer.jwksUrl,
  PROMPTS_JWT_ISSUER: issuer.url,
  PROMPTS_JWT_AUDIENCE: 'prompts',
}))

test.each(['', '/mcp'])('metadata at …%s names the resource and its issuer', async (path) => {
  const answer = await ask(`${server.url}${WELL_KNOWN}${path}`)
  expect(answer.status).toBe(200)
  expect(answer.headers).toMatchObject({
    'cache-control': 'public, max-age=3600',
    'access-control-allow-origin': '*',
    'content-type': expect.stringContaining('application/json'),
  })
  expect(JSON.parse(answer.text)).toEqual({
    resource: `${server.url}/mcp`,
    authorization_servers: [issuer.url],
    bearer_methods_supported: ['header'],
    scopes_supported: ['prompts:read', 'prompts:admin'],
    resource_name: 'PurposePath prompts',
  })
})

test('metadata is for pages of every origin', async () => {
  const headers = { origin: 'https://anywhere.example' }
  const url = `${server.url}${WELL_KNOWN}/mcp`
  expect((await ask(url, { headers })).headers['access-control-allow-origin']).toBe('*')
  const preflight = await ask(url, {
    method: 'OPTIONS',
    headers: { ...headers, 'access-control-request-method': 'GET' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'MCP-Protocol-Version',
  })
})

test('the resource is where the client reached it, or where it is told to be', async () => {
  const port = new URL(server.url).port
  const asLocalhost = await ask(`${server.url}${WELL_KNOWN}/mcp`, { headers: { host: `localhost:${port}` } })
  expect(JSON.parse(asLocalhost.text)).toMatchObject({ resource: `http://localhost:${port}/mcp` })

  const PROMPTS_PUBLIC_URL = 'https://prompts.example/coaching'
  const told = await startServer({ PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_PUBLIC_URL })
  for (const path of [
    WELL_KNOWN,
    `${WELL_KNOWN}/mcp`,
    `${WELL_KNOWN}/coaching/mcp`,
    `/coaching${WELL_KNOWN}/mcp`,
  ]) {
    const answer = await ask(`${told.url}${path}`)
    expect({ path, resource: JSON.parse(answer.text).resource }).toEqual({
      path,
      resource: `${PROMPTS_PUBLIC_URL}/mcp`,
    })
  }
  const { headers } = await listTools(told.url, {})
  expect(headers['www-authenticate']).toContain(`resource_metadata="${PROMPTS_PUBLIC_URL}${WELL_KNOWN}/mcp"`)
})

test('without an issuer, or with a name for one, no authorization server is named', async () => {
  const local = await startServer({ PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_JWT_ISSUER: 'ourselves' })
  const metadata = JSON.parse((await ask(`${local.url}${WELL_KNOWN}`)).text) as object
  expect(metadata).not.toHaveProperty('authorization_servers')
})

test('a refusal tells the way to a token, first of all challenges', async () => {
  const metadata = `resource_metadata="${server.url}${WELL_KNOWN}/mcp"`
  const bare = await listTools(server.url, {})
  expect(bare.headers['www-authenticate']).toBe(
    `Bearer realm="purposepath-prompts", ${metadata}, scope="prompts:read", ApiKey realm="purposepath-prompts"`,
  )
  const wrong = await listToolsWith(server.url, 'a.b.c')
  expect(wrong.headers['www-authenticate']).toContain(', error="invalid_token", ApiKey ')
})

test.each([
  ['today’s SDK', modern],
  ['the 1.x SDK', v1],
] as const)('%s finds the issuer from a refusal', async (_, sdk) => {
  const resource = new URL('/mcp', server.url)
  const refusal = await fetch(resource, { method: 'POST' })
  expect(refusal.status).toBe(401)
  const { resourceMetadataUrl, scope } = sdk.extractWWWAuthenticateParams(refusal)
  expect(scope).toBe('prompts:read')
  expect(resourceMetadataUrl?.href).toBe(`${server.url}${WELL_KNOWN}/mcp`)
  const found = await sdk.discoverOAuthServerInfo(resource, {
    ...(resourceMetadataUrl && { resourceMetadataUrl }),
  })
  expect(found.authorizationServerUrl).toBe(issuer.url)
  expect(found.authorizationServerMetadata?.issuer).toBe(issuer.url)
  // The address that the client asked for is the resource that the metadata speaks of.
  expect(found.resourceMetadata?.resource).toBe(resource.href)
  // Without the header, from the resource's address alone.
  const guessed = await sdk.discoverOAuthProtectedResourceMetadata(resource)
  expect(guessed.authorization_servers).toEqual([issuer.url])
})
