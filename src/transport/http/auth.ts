import type { IncomingMessage } from 'node:http'
import { type ApiKeys, loggablePrefix } from '../../domain/api-keys.ts'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import type { Audit } from '../../domain/observation.ts'

/** Finds out who sends a request, or throws `unauthenticated`. */
export type Authenticate = (request: IncomingMessage, requestId: string) => Promise<Caller>

/** API keys in `X-Api-Key`; role `service` (spec §5). */
export function authenticator(keys: ApiKeys, audit: Audit): Authenticate {
  return async ({ headers }, requestId) => {
    const startedAt = performance.now()
    const record = (caller: string, outcome: string) =>
      audit({
        event: 'authenticate',
        caller,
        outcome,
        duration_ms: elapsed(startedAt),
        request_id: requestId,
      })

    const presented = headers['x-api-key']
    if (typeof presented !== 'string' || headers.authorization !== undefined) {
      record('(none)', 'unauthenticated')
      throw new AppError(
        'unauthenticated',
        'Send an API key in the header X-Api-Key, and no other credential.',
      )
    }
    const key = await keys.verify(presented)
    if (!key) {
      record(loggablePrefix(presented), 'unauthenticated')
      throw new AppError('unauthenticated', 'The API key is not valid.')
    }
    record(key.prefix, 'ok')
    return { subject: `key:${key.name}`, role: 'service', limitKey: `key:${key.id}` }
  }
}

function elapsed(since: number): number {
  return Math.round((performance.now() - since) * 100) / 100
}
