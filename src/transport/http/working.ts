import type { Socket } from 'node:net'
import type { Awaitable } from '../../domain/awaitable.ts'

/**
 * Waits for work that may take longer than a connection may be silent: it is this server that is busy then, not a client
 * that has fallen asleep.
 */
export async function whileWorking<T>(socket: Socket, work: () => Awaitable<T>): Promise<T> {
  const { timeout = 0 } = socket
  socket.setTimeout(0)
  try {
    return await work()
  } finally {
    socket.setTimeout(timeout)
  }
}
