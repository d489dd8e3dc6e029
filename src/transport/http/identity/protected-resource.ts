import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TokenSettings } from '../../../domain/tokens.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for routes that answer pages of every origin: what they say is public. */
    anyOrigin?: boolean
  }
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const REALM = 'purposepath-prompts'
const ONE_HOUR = 'public, max-age=3600'

export interface ProtectedResourceDeps {
  tokens: TokenSettings
  /** Path that the public address adds before every route; usually empty. */
  basePath: string
  /** See {@link Config.publicUrl}. */
  publicUrl?: string | undefined
}

/** Tells OAuth clients who issues tokens for `/mcp` (RFC 9728). */
export function registerProtectedResource(app: FastifyInstance, deps: ProtectedResourceDeps): void {
  const { tokens, basePath, publicUrl } = deps
  const metadata = (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('cache-control', ONE_HOUR).header('access-control-allow-origin', '*')
    return {
      resource: `${publicUrlOf(request, publicUrl)}/mcp`,
      ...(isAddress(tokens.issuer) && { authorization_servers: [tokens.issuer] }),
      bearer_methods_supported: ['header'],
      scopes_supported: ['prompts:read', 'prompts:admin'],
      resource_name: 'PurposePath prompts',
    }
  }
  // With the resource's path inserted after the well-known one, as the RFC has it, and without, as older clients ask.
  for (const path of new Set(['', '/mcp', `${basePath}/mcp`])) {
    app.get(`${WELL_KNOWN}${path}`, { config: { anyOrigin: true } }, metadata)
    app.options(`${WELL_KNOWN}${path}`, { config: { anyOrigin: true } }, (_, reply) =>
      reply
        .code(204)
        .headers({
          allow: 'GET, HEAD, OPTIONS',
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET, HEAD',
          'access-control-allow-headers': 'MCP-Protocol-Version',
          'access-control-max-age': '3600',
        })
        .send(),
    )
  }
}

/** Where clients reach this server: as configured, else as this one did, whose `Host` has been checked. */
export function publicUrlOf({ protocol, host }: FastifyRequest, configured: string | undefined): string {
  return configured ?? `${protocol}://${host}`
}

/**
 * The `WWW-Authenticate` header of a refusal: first what OAuth clients need, because many read no further.
 *
 * The metadata's address begins with the public one, so that it comes here also through a proxy that passes on nothing
 * but the public path.
 */
export function challengeOf(
  publicUrl: string,
  error?: 'invalid_token' | 'insufficient_scope',
  scope = 'prompts:read',
): string {
  const bearer = [
    `Bearer realm="${REALM}"`,
    `resource_metadata="${publicUrl}${WELL_KNOWN}/mcp"`,
    `scope="${scope}"`,
    ...(error === undefined ? [] : [`error="${error}"`]),
  ]
  return `${bearer.join(', ')}, ApiKey realm="${REALM}"`
}

/** Clients take nothing but an address for an issuer; with the local secret it may be any name. */
function isAddress(issuer: string | undefined): boolean {
  return issuer !== undefined && /^https?:$/.test(URL.canParse(issuer) ? new URL(issuer).protocol : '')
}
