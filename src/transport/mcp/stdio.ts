import type { Readable, Writable } from 'node:stream'
import type { Server } from '@modelcontextprotocol/server'
import { serveStdio as serveConnection } from '@modelcontextprotocol/server/stdio'
import { announceChanges } from './changes.ts'
import type { McpContext } from './context.ts'
import { createMcpServer } from './server.ts'
import { stdioTransport } from './stdio-transport.ts'

/**
 * Serves one client over a pair of streams, in whatever protocol revision it opens with, and notifies it of changes.
 *
 * @returns a promise that settles when the client has disconnected and everything it asked for is answered.
 */
export function serveStdio(
  context: McpContext,
  streams: { input: Readable; output: Writable },
  reportError: (error: Error) => void,
): Promise<void> {
  // The SDK may build a server just to answer a probe, and another one to serve: notify those that are connected.
  const connected = new Map<Server, (uri: string) => boolean>()

  announceChanges(context.catalog, ({ promptsChanged, resourcesChanged, updatedUris }) => {
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
        // Since 2026-07-28 clients subscribe by a stream, which the SDK filters; before, by requests of their own.
        const uris = era === 'legacy' ? new Set<string>() : undefined
        const server = createMcpServer(context, uris ?? 'stream')
        connected.set(server, (uri) => uris?.has(uri) ?? true)
        server.onclose = () => connected.delete(server)
        return server
      },
      { transport, onerror: reportError },
    )
  })
}
