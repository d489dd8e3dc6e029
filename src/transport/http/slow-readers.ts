import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** How long a client may take to read what has been handed over to its connection at once: 5 MiB at most. */
const PATIENCE_MS = 120_000
/** How often all connections are looked at. */
const LOOK_MS = 10_000

/** How much of its answers a client had read at the last look, and since when it is no more. */
interface Progress {
  bytes: number
  since: number
}

/**
 * Hangs up on clients that do not read their answers, which would fill this server's memory.
 *
 * Node's time-out for connections (`connectionTimeout`) starts again with every request and every piece of an answer,
 * ends those on which a model is at work, and also starts again with every byte that such a client sends.
 */
export function closeStalledConnections(
  app: FastifyInstance,
  { patienceMs = PATIENCE_MS, lookMs = LOOK_MS }: { patienceMs?: number; lookMs?: number } = {},
): void {
  const connections = new Map<Socket, Progress>()
  // Not by the server's own event: for `localhost` Fastify makes a second server.
  app.addHook('onRequest', ({ socket }, _, done) => {
    if (!connections.has(socket)) {
      connections.set(socket, { bytes: 0, since: performance.now() })
      socket.once('close', () => connections.delete(socket))
    }
    done()
  })
  const looking = setInterval(() => {
    const now = performance.now()
    for (const [socket, read] of connections) {
      const bytes = socket.bytesWritten - socket.writableLength
      if (socket.writableLength === 0 || bytes !== read.bytes) {
        read.bytes = bytes
        read.since = now
      } else if (now - read.since >= patienceMs) socket.destroy()
    }
  }, lookMs).unref()
  app.addHook('onClose', async () => clearInterval(looking))
}
