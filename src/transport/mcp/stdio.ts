import type { Readable, Writable } from 'node:stream'
import type { Server } from '@modelcontextprotocol/server'
import { serveStdio as serveConnection } from '@modelcontextprotocol/server/stdio'
import * as z from 'zod'
import { MAX_DEPTH } from '../../domain/json.ts'
import { parseInput } from '../../domain/validation.ts'
import { announceChanges } from './changes.ts'
import { createMcpServer } from './server.ts'
import { handle, type McpSession } from './session.ts'
import { stdioTransport } from './stdio-transport.ts'

/**
 * Serves one client over a pair of streams, in whatever protocol revision it opens with, and notifies it of changes.
 *
 * @returns a promise that settles when the client has disconnected and everything it asked for is answered.
 */
export function serveStdio(
  session: McpSession,
  streams: { input: Readable; output: Writable },
  reportError: (error: Error) => void,
): Promise<void> {
  // The SDK may build a server just to answer a probe, and another one to serve: notify those that are connected.
  const connected = new Map<Server, (uri: string) => boolean>()

  announceChanges(session.catalog, ({ promptsChanged, resourcesChanged, updatedUris }) => {
    const send = (notification: Promise<void>) => void notification.catch(reportError)
    for (const [server, wants] of connected) {
      if (promptsChanged) send(server.sendPromptListChanged())
      if (resourcesChanged) send(server.sendResourceListChanged())
      for (const uri of updatedUris.filter(wants)) send(server.sendResourceUpdated({ uri }))
    }
  })

  return new Promise((resolve) => {
    const transport = stdioTransport(streams.input, streams.output, resolve)
    serveConnection(
      ({ era }) => {
        const server = createMcpServer(session, { notifies: true })
        // Since 2026-07-28 clients subscribe by a stream, which the SDK filters; before, by requests of their own.
        connected.set(server, era === 'legacy' ? followSubscriptions(server) : () => true)
        server.onclose = () => connected.delete(server)
        return server
      },
      { transport, onerror: reportError },
    )
  })
}

/** Handles `resources/subscribe` and `unsubscribe`; the returned function says whether a URI is subscribed to. */
function followSubscriptions(server: Server): (uri: string) => boolean {
  const uris = new Set<string>()
  const Uri = z.object({ uri: z.string() })
  handle(server, 'resources/subscribe', (params) => {
    uris.add(parseInput(Uri, params, MAX_DEPTH).uri)
    return {}
  })
  handle(server, 'resources/unsubscribe', (params) => {
    uris.delete(parseInput(Uri, params, MAX_DEPTH).uri)
    return {}
  })
  return (uri) => uris.has(uri)
}
