import { ownMember } from '../../util/json.ts'
import { type Check, fail, note, ok } from '../check.ts'
import { insteadOf, probe, textIn } from './probe.ts'
import { fixPath } from './service.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Whether OAuth clients find out who issues tokens (RFC 9728), and are told to look (RFC 6750, section 3). */
export async function* checkOAuth(url: string): AsyncIterable<Check> {
  yield* checkChallenge(url)
  const answer = await probe(`${url}${WELL_KNOWN}/mcp`)
  const json = typeof answer === 'string' ? undefined : answer.json
  const resource = textIn(json, 'resource')
  if (resource === undefined) {
    yield fail(`No OAuth metadata: ${insteadOf(answer)}. ${fixPath(answer, url)}`)
    return
  }
  if (resource !== `${url}/mcp`) {
    yield fail(`OAuth metadata is for ${resource}, which clients refuse: set PROMPTS_PUBLIC_URL to ${url}.`)
    return
  }
  yield ok('OAuth metadata is for this address')
  yield* checkInsertedPath(url)
  const issuers = ownMember(json, 'authorization_servers')
  if (!Array.isArray(issuers))
    yield note('No issuer (PROMPTS_JWT_ISSUER), so clients cannot sign in by themselves')
  else for (const issuer of issuers) yield await checkIssuer(String(issuer))
}

async function* checkChallenge(url: string): AsyncIterable<Check> {
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const accept = 'application/json, text/event-stream'
  const answer = await probe(`${url}/mcp`, { method: 'POST', headers: { accept }, body })
  if (typeof answer === 'string' || answer.status !== 401) {
    yield fail(`/mcp without a credential says ${insteadOf(answer)} instead of 401. ${fixPath(answer, url)}`)
    return
  }
  const challenge = answer.headers.get('www-authenticate') ?? ''
  const [, metadata] = /resource_metadata="([^"]+)"/.exec(challenge) ?? []
  if (metadata === undefined) {
    yield fail('The 401 of /mcp names no metadata: have the proxy pass on WWW-Authenticate as it is.')
    return
  }
  const found = await probe(metadata)
  if (typeof found !== 'string' && found.status === 200)
    yield ok('The challenge of /mcp leads to the metadata')
  else {
    const advice = `Set PROMPTS_PUBLIC_URL to ${url}.`
    yield fail(`The challenge of /mcp leads to ${metadata}, which says ${insteadOf(found)}. ${advice}`)
  }
}

/** Where the RFC has the metadata of an address with a path: outside of that path. */
async function* checkInsertedPath(url: string): AsyncIterable<Check> {
  const { origin, pathname } = new URL(url)
  if (pathname === '/') return
  const address = `${origin}${WELL_KNOWN}${pathname}/mcp`
  const answer = await probe(address)
  if (typeof answer !== 'string' && textIn(answer.json, 'resource') === `${url}/mcp`) return
  yield note(`${address} says ${insteadOf(answer)}: clients that do not heed the challenge look there`)
}

/** Whether an issuer publishes its own metadata (RFC 8414, or OpenID Connect Discovery). */
async function checkIssuer(issuer: string): Promise<Check> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const addresses = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]
  for (const address of addresses) {
    const answer = await probe(address)
    if (typeof answer !== 'string' && textIn(answer.json, 'issuer') === issuer)
      return ok(`Issuer ${issuer} answers`)
  }
  return fail(
    `Issuer ${issuer} publishes no metadata of that name: PROMPTS_JWT_ISSUER must be as its tokens have it.`,
  )
}
