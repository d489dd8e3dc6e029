import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../../domain/errors.ts'
import { callerOf } from '../identity/authenticator.ts'

/** Most streams that one caller may hold open, and seconds until a retry makes sense. */
const MAX_STREAMS = 100
const RETRY_SECONDS = 10
/** How often the credential of an open stream is verified again. */
const CHECK_MS = 500

/** Open streams of subscribers, counted by caller: too many would hold this server's memory. */
export interface McpStreams {
  /**
   * Counts a stream, and ends it when its credential is no longer valid: a revoked key must not go on hearing of changes.
   *
   * @returns must be called when the stream has ended.
   * @throws AppError `rate_limited` when the caller has too many.
   */
  open(request: FastifyRequest, reply: FastifyReply): () => void
}

/** @param isStillValid whether the credential of a request is valid now. */
export function countStreams(isStillValid: (request: FastifyRequest) => Promise<boolean>): McpStreams {
  const byCaller = new Map<string, number>()

  return {
    open(request, reply) {
      const { limitKey = '' } = callerOf(request)
      const open = byCaller.get(limitKey) ?? 0
      if (open >= MAX_STREAMS) {
        const message = `More than ${MAX_STREAMS} streams are open for this caller.`
        throw new AppError('rate_limited', message, { retryAfter: RETRY_SECONDS })
      }
      byCaller.set(limitKey, open + 1)
      const checking = setInterval(async () => {
        if (!(await isStillValid(request))) reply.raw.destroy()
      }, CHECK_MS)
      return () => {
        clearInterval(checking)
        const left = (byCaller.get(limitKey) as number) - 1
        if (left > 0) byCaller.set(limitKey, left)
        else byCaller.delete(limitKey)
      }
    },
  }
}
