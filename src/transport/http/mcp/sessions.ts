import type { FastifyReply, FastifyRequest } from 'fastify'
import { abortOnDisconnect, onClosed } from '../disconnect.ts'
import { callerOf } from '../identity/authenticator.ts'

/**
 * The sessions of 2025-era clients, as far as this instance has something running for them. A session is a name that
 * ties a client's requests together, and nothing else: no instance remembers that it was given, so any takes it.
 */
export interface Sessions {
  /**
   * Begins the call of a POST.
   *
   * @returns a signal that fires when the client no longer waits for the answer: it has disconnected, or cancelled
   *   the call in the session that it was made in.
   */
  begin(request: FastifyRequest, reply: FastifyReply): AbortSignal
  /** Cancels the call that `notifications/cancelled` names, if it runs here. */
  cancel(request: FastifyRequest): void
  /** Keeps a stream of events until its session ends. */
  attach(request: FastifyRequest, reply: FastifyReply): void
  /** Ends what runs for the session of the request. */
  end(request: FastifyRequest): void
}

export function createSessions(): Sessions {
  const running = new Map<string, Set<{ id?: unknown; end: () => void }>>()

  /** Runs until the client disconnects or is answered. */
  function add(request: FastifyRequest, reply: FastifyReply, one: { id?: unknown; end: () => void }): void {
    const session = sessionOf(request)
    if (session === undefined) return
    const all = running.get(session) ?? new Set()
    running.set(session, all.add(one))
    onClosed(reply, () => {
      all.delete(one)
      if (all.size === 0) running.delete(session)
    })
  }

  return {
    begin(request, reply) {
      const call = abortOnDisconnect(reply)
      const { id } = (request.body ?? {}) as { id?: unknown }
      if (id !== undefined) add(request, reply, { id, end: () => call.abort() })
      return call.signal
    },
    cancel(request) {
      const { params: { requestId } = {} } = request.body as { params?: { requestId?: unknown } }
      if (requestId === undefined) return
      for (const one of running.get(sessionOf(request) ?? '') ?? []) if (one.id === requestId) one.end()
    },
    attach(request, reply) {
      add(request, reply, { end: () => reply.raw.end() })
    },
    end(request) {
      for (const one of running.get(sessionOf(request) ?? '') ?? []) one.end()
    },
  }
}

/** An id that another caller guesses is another session. */
function sessionOf(request: FastifyRequest): string | undefined {
  const id = request.headers['mcp-session-id']
  return typeof id === 'string' ? `${callerOf(request).limitKey} ${id}` : undefined
}
