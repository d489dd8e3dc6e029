import type { Shot } from './load.ts'

/** Revisions that are measured; the second one has a handshake, which each instance may go without. */
export const ERAS = ['2026-07-28', '2025-11-25'] as const
export type Era = (typeof ERAS)[number]

/** Where requests go to. */
export interface Target {
  url: string
  /** Header with a credential. */
  credential?: Record<string, string>
}

/** One JSON-RPC request, as a client of the revision sends it. */
export function mcpShot(era: Era, target: Target, method: string, params: object, expected: string): Shot {
  return era === '2026-07-28'
    ? modernShot(target, method, params, expected)
    : postShot(target, { 'mcp-protocol-version': era }, message(method, params), expected)
}

/** The same in a batch of one, which the product leaves to the SDK (revision 2025-03-26). */
export function batchShot(target: Target, method: string, params: object, expected: string): Shot {
  return postShot(target, { 'mcp-protocol-version': '2025-03-26' }, [message(method, params)], expected)
}

function modernShot(target: Target, method: string, params: object, expected: string): Shot {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const { name } = params as { name?: string }
  const headers = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  }
  return postShot(target, headers, message(method, { ...params, _meta }), expected)
}

function message(method: string, params: object) {
  return { jsonrpc: '2.0', id: 1, method, params }
}

function postShot(
  { url, credential }: Target,
  headers: Record<string, string>,
  sent: object,
  expected: string,
): Shot {
  const body = JSON.stringify(sent)
  const standard = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    accept: 'application/json, text/event-stream',
    ...credential,
  }
  return { method: 'POST', url: `${url}/mcp`, headers: { ...standard, ...headers }, body, expected }
}
