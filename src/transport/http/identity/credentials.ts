import type { FastifyRequest } from 'fastify'
import type { CredentialKind } from '../../../domain/telemetry.ts'
import { API_ROOT } from '../rest/routes.ts'
import { type OwnCookie, ownCookie } from './cookies.ts'

/** The cookie that holds a browser's session. */
export function sessionCookie(publicUrl: string | undefined): OwnCookie {
  return ownCookie('purposepath_session', 'Strict', publicUrl)
}

/** What a request presents to say who sends it. `value` is empty unless there is something to verify. */
export interface Credential {
  kind: Exclude<CredentialKind, 'sign_in'>
  value: string
}

const NONE: Credential = { kind: 'none', value: '' }
const SEVERAL: Credential = { kind: 'several', value: '' }
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const BEARER = /^bearer +([\w.~+/-]+=*)$/i

/**
 * Finds the credential of requests: in their headers or their session cookie, never in their address.
 *
 * @param publicUrl see {@link Config.publicUrl}.
 */
export function credentialReader(publicUrl: string | undefined): (request: FastifyRequest) => Credential {
  const cookie = sessionCookie(publicUrl)
  const publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).host
  return (request) => {
    const { headers, raw, routeOptions } = request
    let session: string | undefined
    // Browsers send the cookie with whatever any page makes them ask for.
    if (headers.cookie !== undefined && routeOptions.url?.startsWith(`${API_ROOT}/`))
      session = isFromOwnPage(request, publicHost) ? cookie.read(headers.cookie) : undefined
    const presented = countCredentials(raw.rawHeaders) + (session === undefined ? 0 : 1)
    if (presented === 0) return NONE
    if (presented > 1) return SEVERAL
    if (session !== undefined) return { kind: 'session', value: session }
    const { authorization } = headers
    if (authorization === undefined) return { kind: 'key', value: String(headers['x-api-key']) }
    return { kind: 'token', value: BEARER.exec(authorization)?.[1] ?? '' }
  }
}

/** On the raw headers: Node keeps the first of several `Authorization` headers and drops the others without a word. */
function countCredentials(rawHeaders: readonly string[]): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    // Most names have another length, and need no copy in lower case.
    if (name.length === 9 && name.toLowerCase() === 'x-api-key') count++
    else if (name.length === 13 && name.toLowerCase() === 'authorization') count++
  }
  return count
}

/**
 * Whether a page of this server sends a request, by what browsers say of it and no page can change (Fetch Metadata,
 * and `Origin`, which every browser sends with a change). To look, it is enough that nothing says otherwise; a change
 * must be known to come from here.
 */
function isFromOwnPage({ headers, host, method }: FastifyRequest, publicHost: string | undefined): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  const isSafe = SAFE_METHODS.has(method)
  // `none`: the person has typed the address.
  if (site !== undefined && site !== 'same-origin' && !(site === 'none' && isSafe)) return false
  if (origin === undefined) return isSafe || site === 'same-origin'
  const from = URL.canParse(origin) ? new URL(origin).host : ''
  return from !== '' && (from === host || from === publicHost)
}
