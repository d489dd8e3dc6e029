import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** How long a client may read nothing of what waits for it. */
const PATIENCE_MS = 60_000
/** How often all connections are looked at. */
const LOOK_MS = 20_000

/**
 * Hangs up on clients that do not read their answers, which would fill this server's memory.
 *
 * Only connections on which something waits get a time-out. A general one (`connectionTimeout`) is set anew with every
 * request and every piece of an answer, and also ends those on which a model is at work.
 */
export function dropUnreadAnswers(
  server: Server,
  { patienceMs = PATIENCE_MS, lookMs = LOOK_MS }: { patienceMs?: number; lookMs?: number } = {},
): void {
  const connections = new Set<Socket>()
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  const looking = setInterval(() => {
    for (const socket of connections) {
      const isWaiting = socket.writableLength > 0
      const isTimed = socket.timeout === patienceMs
      if (isWaiting !== isTimed) socket.setTimeout(isWaiting ? patienceMs : 0)
    }
  }, lookMs).unref()
  server.once('close', () => clearInterval(looking))
}
