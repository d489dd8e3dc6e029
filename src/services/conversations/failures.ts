import type { Lease } from '../../domain/conversation.ts'
import { AppError, toAppError } from '../../domain/errors.ts'
import type { Clock } from '../../util/time.ts'

/** The same for conversations of others, expired ones and ids that were never given. */
export function noSuchConversation(): AppError {
  return new AppError('not_found', 'There is no such conversation.')
}

/** For a message that came while a turn is being answered. */
export function busy({ turn, started_at, expires_at }: Lease, clock: Clock): AppError {
  const remainingMs = Date.parse(expires_at) - clock().getTime()
  return new AppError('conflict', `Turn ${turn} is being answered since ${started_at}.`, {
    current: { turn, started_at },
    retryAfter: Math.max(1, Math.ceil(remainingMs / 1000)),
  })
}

/** For every caller that waits for the answer of a turn that was cancelled on this instance. */
export function turnCancelled(): AppError {
  return new AppError('conflict', 'The turn was cancelled. The same message asks it again.')
}

/** For a turn that another instance has ended, by cancelling or by failing: why is known there only. */
export function turnEnded(): AppError {
  const message = 'The turn has ended without an answer: it was cancelled, or failed on another instance.'
  return new AppError('conflict', `${message} The same message asks it again.`)
}

export function storeUnreachable(cause?: unknown): AppError {
  const message = 'The store of conversations cannot be reached. The same message asks the turn again.'
  return new AppError('unavailable', message, { retryAfter: 1, cause })
}

export function shuttingDown(): AppError {
  return new AppError('unavailable', 'The server is shutting down. The same message asks the turn again.', {
    retryAfter: 1,
  })
}

export function callerGone(): AppError {
  return new AppError('unavailable', 'The caller has gone away.')
}

/** For a message that always came second. */
export function tooManyAtOnce(): AppError {
  return new AppError('unavailable', 'Too many messages came at the same time.', { retryAfter: 1 })
}

/** The failure of a turn as those hear it who have followed it: what it has cost is told once. */
export function forOthers(thrown: unknown): never {
  const { code, message, operatorMessage, retryAfter } = toAppError(thrown)
  throw new AppError(code, message, { operatorMessage, ...(retryAfter !== undefined && { retryAfter }) })
}
