import { ownMember } from '../../util/json.ts'
import { type Check, fail, ok } from '../check.ts'
import { type Answer, insteadOf, probe, textIn } from './probe.ts'

const CLIENT = { name: 'purposepath-prompts doctor', version: '1' }
const STATELESS = '2026-07-28'
export const WITH_HANDSHAKE = '2025-11-25'
const META = 'io.modelcontextprotocol'

/** Whether clients of both eras of MCP can talk to the server. */
export async function* checkMcp(url: string, credential: Record<string, string>): AsyncIterable<Check> {
  yield await checkHandshake(url, credential)
  yield await checkStateless(url, credential)
}

async function checkHandshake(url: string, credential: Record<string, string>): Promise<Check> {
  const params = { protocolVersion: WITH_HANDSHAKE, capabilities: {}, clientInfo: CLIENT }
  const hello = await call(url, credential, 'initialize', params)
  if (textIn(resultIn(hello), 'protocolVersion') !== WITH_HANDSHAKE) {
    return fail(`MCP ${WITH_HANDSHAKE}: initialize says ${insteadOf(hello)}. ${advice(hello)}`)
  }
  const session = (hello as Answer).headers.get('mcp-session-id')
  if (session === null) {
    return fail(`MCP ${WITH_HANDSHAKE}: no Mcp-Session-Id. Have the proxy pass this header on.`)
  }
  const headers = { ...credential, 'mcp-session-id': session, 'mcp-protocol-version': WITH_HANDSHAKE }
  const list = await call(url, headers, 'prompts/list', {})
  const prompts = ownMember(resultIn(list), 'prompts')
  if (!Array.isArray(prompts))
    return fail(`MCP ${WITH_HANDSHAKE}: prompts/list says ${insteadOf(list)}. ${advice(list)}`)
  return ok(`MCP ${WITH_HANDSHAKE} lists ${prompts.length} prompts`)
}

async function checkStateless(url: string, credential: Record<string, string>): Promise<Check> {
  const _meta = {
    [`${META}/protocolVersion`]: STATELESS,
    [`${META}/clientInfo`]: CLIENT,
    [`${META}/clientCapabilities`]: {},
  }
  const headers = { ...credential, 'mcp-protocol-version': STATELESS, 'mcp-method': 'prompts/list' }
  const list = await call(url, headers, 'prompts/list', { _meta })
  const prompts = ownMember(resultIn(list), 'prompts')
  if (!Array.isArray(prompts))
    return fail(`MCP ${STATELESS}: prompts/list says ${insteadOf(list)}. ${advice(list)}`)
  return ok(`MCP ${STATELESS} lists ${prompts.length} prompts`)
}

function call(url: string, headers: Record<string, string>, method: string, params: object) {
  const body = { jsonrpc: '2.0', id: 1, method, params }
  const accept = 'application/json, text/event-stream'
  return probe(`${url}/mcp`, { method: 'POST', headers: { accept, ...headers }, body })
}

function resultIn(answer: Answer | string): unknown {
  return typeof answer === 'string' ? undefined : ownMember(answer.json, 'result')
}

function advice(answer: Answer | string): string {
  const status = typeof answer === 'string' ? 0 : answer.status
  if (status === 401) return 'Is the credential of this server, and does the proxy pass it on?'
  if (status === 403) return 'MCP needs the role "service".'
  return 'The proxy must pass on bodies and the headers Accept, Mcp-* and Content-Type as they are.'
}
