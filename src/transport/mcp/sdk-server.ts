import {
  type JSONRPCRequest,
  ProtocolError,
  type Result,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import { AppError } from '../../domain/errors.ts'
import { MAX_DEPTH, parseInput } from '../../domain/validation.ts'
import { JsonObject } from '../../util/json.ts'
import { toProtocolError } from './methods.ts'
import { normalizeMessage } from './normalize.ts'

/** Requests that the SDK answers itself, and checks by schemas of its own. */
const ANSWERED_BY_SDK = new Set(['initialize', 'ping', 'server/discover'])

const InitializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: JsonObject,
  clientInfo: z.object({ name: z.string(), version: z.string() }),
})

type Handler = (request: JSONRPCRequest, context: ServerContext) => Promise<Result>

/**
 * The SDK's server without its validator's words. For `tools/call` these would also be an error of the protocol, where
 * the specification asks for a result that the model can read.
 */
export class StrictServer extends Server {
  protected override _wrapHandler(method: string, handler: Handler): Handler {
    // Our handler checks the arguments itself.
    if (method === 'tools/call') return handler
    const wrapped = super._wrapHandler(method, handler)
    return ANSWERED_BY_SDK.has(method) ? inOurWords(method, wrapped) : wrapped
  }
}

function inOurWords(method: string, handler: Handler): Handler {
  return async (request, context) => {
    normalizeMessage(request)
    try {
      if (method === 'initialize') parseInput(InitializeParams, request.params ?? {}, MAX_DEPTH)
      return await handler(request, context)
    } catch (thrown) {
      throw toProtocolError(
        thrown instanceof AppError || thrown instanceof ProtocolError
          ? thrown
          : invalidParams(method, thrown),
      )
    }
  }
}

/** These handlers fail for nothing but their parameters. */
function invalidParams(method: string, cause: unknown): AppError {
  return new AppError('invalid_input', `The parameters of ${method} are not valid.`, { cause })
}
