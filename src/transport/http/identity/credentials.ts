import type { FastifyRequest } from 'fastify'
import type { CredentialKind } from '../../../domain/telemetry.ts'
import { API_ROOT } from '../rest/routes.ts'

/** The cookie that holds a browser's session. */
export const SESSION_COOKIE = 'purposepath_session'

/** What a request presents to say who sends it. `value` is empty unless there is something to verify. */
export interface Credential {
  kind: Exclude<CredentialKind, 'sign_in'>
  value: string
}

const NONE: Credential = { kind: 'none', value: '' }
const SEVERAL: Credential = { kind: 'several', value: '' }
const BEARER = /^bearer +([\w.~+/-]+=*)$/i

/** Finds the credential of a request: in its headers or its session cookie, never in its address. */
export function credentialOf(request: FastifyRequest, publicUrl?: string): Credential {
  const { headers, raw } = request
  const session = sessionCookieOf(request, publicUrl)
  const presented = countCredentials(raw.rawHeaders) + (session === undefined ? 0 : 1)
  if (presented === 0) return NONE
  if (presented > 1) return SEVERAL
  if (session !== undefined) return { kind: 'session', value: session }
  const { authorization } = headers
  if (authorization === undefined) return { kind: 'key', value: String(headers['x-api-key']) }
  return { kind: 'token', value: BEARER.exec(authorization)?.[1] ?? '' }
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
 * The session cookie, if it may count: browsers send it with whatever any page makes them ask for, so only requests to
 * the REST API by this server's own pages do.
 */
export function sessionCookieOf(request: FastifyRequest, publicUrl?: string): string | undefined {
  const { cookie } = request.headers
  if (cookie === undefined || !cookie.includes(SESSION_COOKIE)) return undefined
  if (!request.routeOptions.url?.startsWith(`${API_ROOT}/`) || !isFromOwnPage(request, publicUrl))
    return undefined
  const values = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    .map((pair) => pair.slice(SESSION_COOKIE.length + 1))
  // Two of them, one perhaps planted by a neighbour on this host: neither is believed.
  return values.length > 1 ? '' : values[0]
}

/** A program other than a browser says nothing of where a request comes from. */
function isFromOwnPage({ headers, host }: FastifyRequest, publicUrl?: string): boolean {
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  if (origin === undefined) return true
  const from = URL.canParse(origin) ? new URL(origin).host : undefined
  return from === host || (publicUrl !== undefined && from === new URL(publicUrl).host)
}
