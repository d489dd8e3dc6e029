import { randomUUID } from 'node:crypto'
import {
  type AuthInfo,
  createMcpHandler,
  type InboundClassificationOutcome,
  isInitializeRequest,
  type McpHttpHandler,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { McpContext } from '../../mcp/context.ts'
import { createMcpServer } from '../../mcp/server.ts'
import { acceptedForms } from '../accept.ts'
import { respondWithFetch } from './fetch-adapter.ts'

/** The SDK's way of a request, which serves everything that the protocol knows. */
export interface SdkWay {
  /**
   * Answers a request past Fastify.
   *
   * @param route what the SDK makes of the request.
   * @param mayStream whether the answer may be an event stream although the client reads JSON.
   */
  answer(
    request: FastifyRequest,
    reply: FastifyReply,
    call: {
      route: InboundClassificationOutcome
      context: McpContext
      signal: AbortSignal
      mayStream: boolean
    },
  ): Promise<void>
  /** Notifies subscribers of revision 2026-07-28. */
  notify: McpHttpHandler['notify']
  /** Ends the streams of subscribers. */
  close(): Promise<void>
}

export function sdkWay(reportError: (error: Error) => void): SdkWay {
  const modern = createMcpHandler(
    ({ authInfo }) => createMcpServer((authInfo as AuthInfo).extra as unknown as McpContext, 'stream'),
    // How many streams there may be is decided by the route, for each caller.
    { legacy: 'reject', onerror: reportError, maxSubscriptions: Number.MAX_SAFE_INTEGER },
  )

  return {
    notify: modern.notify,
    close: () => modern.close(),
    async answer({ raw, body, headers }, reply, { route, context, signal, mayStream }) {
      reply.raw.setHeaders(new Map(Object.entries(reply.getHeaders()) as [string, string][]))
      reply.hijack()
      const options = { signal, isBatch: Array.isArray(body) }
      if (route.kind !== 'legacy') {
        const extra = context as unknown as Record<string, unknown>
        const authInfo = { token: '', clientId: context.caller.subject, scopes: [], extra }
        const fetch = (request: Request) => modern.fetch(request, { parsedBody: body, authInfo })
        return respondWithFetch(fetch, raw, reply.raw, options)
      }
      const { json, events } = acceptedForms(headers.accept)
      const transport = new WebStandardStreamableHTTPServerTransport({
        // The id holds nothing, and no instance remembers it: each takes it.
        sessionIdGenerator: isInitializeRequest(body) ? randomUUID : undefined,
        enableJsonResponse: json && !(mayStream && events),
      })
      transport.onerror = reportError
      const server = createMcpServer(context, 'none')
      await server.connect(transport)
      signal.addEventListener('abort', () => void transport.close(), { once: true })
      try {
        const fetch = (request: Request) => transport.handleRequest(request, { parsedBody: body })
        await respondWithFetch(fetch, raw, reply.raw, options)
      } finally {
        await server.close()
      }
    },
  }
}
