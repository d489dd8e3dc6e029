import {
  type InboundClassificationOutcome,
  isJsonContentType,
  type JSONRPCRequest,
  type Result as McpResult,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server'
import type { FastifyRequest } from 'fastify'
import { forMessage, type McpContext, type Params } from '../../mcp/context.ts'
import { METHODS, type Method, toProtocolError } from '../../mcp/methods.ts'
import { SERVER_INFO } from '../../mcp/server.ts'
import { acceptedForms } from '../accept.ts'

/** The revision without a handshake; every other one of this server is of the era of 2025. */
const MODERN = '2026-07-28'

/** Where the header `Mcp-Name` repeats the body (revision 2026-07-28, "Standard Request Headers"). */
const NAME_SOURCE: Readonly<Record<string, string>> = {
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tools/call': 'name',
}

/** One request of one message, in an envelope without a fault, that is answered with one message of JSON. */
export interface Exchange {
  id: string | number
  name: string
  method: Method
  params: Params
  isModern: boolean
  protocolVersion: string | undefined
}

/**
 * The exchange that a POST asks for. The SDK serves every request as well, at several times the cost, and answers all
 * that is no exchange: the handshake, notifications, batches, streams, and whatever is wrong with an envelope.
 *
 * @param route what the SDK makes of the request.
 */
export function exchangeOf(
  route: InboundClassificationOutcome,
  { body, headers }: FastifyRequest,
): Exchange | undefined {
  const isModern = route.kind === 'modern'
  if (isModern ? route.messageKind !== 'request' : route.kind === 'reject' || route.reason !== 'no-claim') {
    return undefined
  }
  const { id, method: name, params = {} } = body as JSONRPCRequest
  const method = METHODS.get(name)
  if (!method || (method.isModern && !isModern) || !isJsonContentType(headers['content-type']))
    return undefined
  if (!acceptedForms(headers.accept).json) return undefined
  const isValid = isModern ? isModernEnvelope(name, params, headers) : isLegacyEnvelope(headers)
  const protocolVersion = headers['mcp-protocol-version'] as string | undefined
  return isValid ? { id, name, method, params, isModern, protocolVersion } : undefined
}

/** What the SDK has not looked at when it says that a request is of revision 2026-07-28. */
function isModernEnvelope(method: string, params: Params, headers: FastifyRequest['headers']): boolean {
  const { [PROTOCOL_VERSION_META_KEY]: version } = params['_meta'] as Params
  const source = NAME_SOURCE[method]
  return (
    version === MODERN &&
    headers['mcp-protocol-version'] !== undefined &&
    headers['mcp-method'] !== undefined &&
    (source === undefined || headers['mcp-name'] === params[source])
  )
}

function isLegacyEnvelope(headers: FastifyRequest['headers']): boolean {
  const version = headers['mcp-protocol-version']
  return version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(version as string)
}

/**
 * Carries an exchange out.
 *
 * @returns the JSON-RPC response as JSON; a failure is a response, too.
 */
export async function carryOut(
  { id, name, method, params, isModern, protocolVersion }: Exchange,
  context: McpContext,
  signal: AbortSignal,
): Promise<string> {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`
  try {
    const message = { method: name, id, protocolVersion }
    const result = await method.run(forMessage(context, message, params['_meta']), params, { signal })
    const toJson = method.isConstant ? constantJson : resultJson
    return `${head}"result":${toJson(result, method, isModern)}}`
  } catch (thrown) {
    const { code, message, data } = toProtocolError(thrown)
    return `${head}"error":${JSON.stringify({ code, message, data })}}`
  }
}

/** Results of 2026-07-28 say what kind they are, how long they may be kept, and who made them. */
function resultJson(result: McpResult, { cacheHint }: Method, isModern: boolean): string {
  return JSON.stringify(
    isModern
      ? {
          ...result,
          resultType: 'complete',
          ...cacheHint,
          _meta: { ...result._meta, [SERVER_INFO_META_KEY]: SERVER_INFO },
        }
      : result,
  )
}

const constants = { modern: new WeakMap<McpResult, string>(), legacy: new WeakMap<McpResult, string>() }

function constantJson(result: McpResult, method: Method, isModern: boolean): string {
  const known = isModern ? constants.modern : constants.legacy
  let json = known.get(result)
  if (json === undefined) {
    json = resultJson(result, method, isModern)
    known.set(result, json)
  }
  return json
}
