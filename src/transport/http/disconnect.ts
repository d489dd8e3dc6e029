import type { FastifyReply } from 'fastify'

/**
 * Calls `callback` once the connection of an answer has closed. That may be now: a client can leave while its credential
 * is verified, and `close` is not emitted again for those that ask late.
 */
export function onClosed({ raw }: FastifyReply, callback: () => void): void {
  if (raw.destroyed) callback()
  else raw.once('close', callback)
}

/** Aborts when the client disconnects before its answer is written. */
export function abortOnDisconnect(reply: FastifyReply): AbortController {
  const controller = new AbortController()
  onClosed(reply, () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller
}
