import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChangeNotice } from '../../mcp/changes.ts'
import { onClosed } from '../disconnect.ts'

/** How often a comment is sent, so that no proxy takes a quiet stream for dead. */
const HEARTBEAT_MS = 15_000
/** The first revision whose clients understand an event without data: it tells them an id before anything happens. */
const EMPTY_EVENTS_SINCE = '2025-11-25'

const LIST_CHANGED = {
  prompts: event('notifications/prompts/list_changed'),
  resources: event('notifications/resources/list_changed'),
}

/** The streams of `GET /mcp`, by which 2025-era clients hear that lists have changed. */
export interface EventStreams {
  /**
   * Opens a stream, which lives until the client disconnects or {@link EventStreams.close}.
   *
   * Events bear ids, but none is kept: a client that comes back with another id than the latest of this instance may have
   * missed something, and is told that both lists have changed.
   */
  open(request: FastifyRequest, reply: FastifyReply): void
  notify(notice: ChangeNotice): void
  close(): void
}

export function createEventStreams(): EventStreams {
  const open = new Set<FastifyReply['raw']>()
  const instance = randomBytes(4).toString('hex')
  let notices = 0
  let heartbeat: NodeJS.Timeout | undefined

  const latestId = () => `id: ${instance}-${notices}\n`
  const everything = () => `${latestId()}${LIST_CHANGED.prompts}${latestId()}${LIST_CHANGED.resources}`

  function send(text: string): void {
    for (const stream of open) {
      // Ended, but not read to its end yet.
      if (stream.writableEnded) continue
      // A client that has not read the last event comes back, and learns what it has missed.
      if (stream.writableNeedDrain) stream.destroy()
      else stream.write(text)
    }
  }

  return {
    open({ headers }, reply) {
      const { raw } = reply
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        // Proxies such as nginx would hold events back.
        'x-accel-buffering': 'no',
      })
      reply.hijack()
      const lastId = headers['last-event-id']
      const hasMissed = lastId !== undefined && `id: ${lastId}\n` !== latestId()
      const takesEmpty = String(headers['mcp-protocol-version'] ?? '') >= EMPTY_EVENTS_SINCE
      raw.write(hasMissed ? everything() : `${latestId()}${takesEmpty ? 'data: \n' : ''}\n`)
      if (open.size === 0) heartbeat = setInterval(() => send(': still here\n\n'), HEARTBEAT_MS).unref()
      open.add(raw)
      onClosed(reply, () => {
        open.delete(raw)
        if (open.size === 0) clearInterval(heartbeat)
      })
    },
    notify({ promptsChanged, resourcesChanged }) {
      if (!promptsChanged && !resourcesChanged) return
      notices++
      const events = [promptsChanged && LIST_CHANGED.prompts, resourcesChanged && LIST_CHANGED.resources]
      send(events.map((one) => (one ? latestId() + one : '')).join(''))
    },
    close() {
      for (const stream of open) stream.end()
    },
  }
}

function event(method: string): string {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method })}\n\n`
}
