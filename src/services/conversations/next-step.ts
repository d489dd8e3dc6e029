import type { AssistantMessage, Conversation, Lease, UserMessage } from '../../domain/conversation.ts'
import { AppError } from '../../domain/errors.ts'
import type { Clock } from '../../util/time.ts'
import { isLive } from './lease.ts'

/** How long an `Idempotency-Key` counts. */
const KEY_LIFETIME_MS = 24 * 60 * 60_000
/** Keys that one message keeps: each repetition of a failed turn may bring another. */
const MAX_KEYS = 100
/** Turns of a conversation whose topic has no `max_turns`. */
const DEFAULT_MAX_TURNS = 1_000

/** A message that a caller wants to be answered. */
export interface IncomingMessage {
  content: string
  /** SHA-256 of its `Idempotency-Key`, if it has one. */
  keyHash: string | undefined
}

/** What is to be done about a message, as the conversation stands. */
export type NextStep =
  /** It was answered before. */
  | { kind: 'answered'; turn: number; answer: AssistantMessage }
  /** It is being answered, for an earlier request with its key. */
  | { kind: 'running'; lease: Lease }
  /** Another message is being answered. */
  | { kind: 'busy'; lease: Lease }
  /** It is to be stored as, or in place of, this number; a message that is there already keeps its id. */
  | { kind: 'ask'; turn: number; stored?: UserMessage }

/** How many turns a conversation may have after its turn `turn`; 0: that is not begun yet. */
export function remainingTurns({ config }: Pick<Conversation, 'config'>, turn: number): number {
  return Math.max(0, (config.max_turns ?? DEFAULT_MAX_TURNS) - turn)
}

/**
 * Decides what to do about a message.
 *
 * @throws AppError `conflict` when its key came with another text before, when the conversation has gone on since, or
 *   when it has no turns left.
 */
export function nextStep(conversation: Conversation, message: IncomingMessage, clock: Clock): NextStep {
  const { turns, lease } = conversation
  const running = lease && isLive(lease, clock) ? lease : undefined
  const last = turns.at(-1)
  const known = turns.find(({ user }) => hasKey(user, message.keyHash, clock))
  if (known) {
    if (known.user.content !== message.content) {
      throw new AppError('conflict', 'This Idempotency-Key came with another message before.')
    }
    if (known.assistant) return { kind: 'answered', turn: known.turn, answer: known.assistant }
    if (running?.turn === known.turn) return { kind: 'running', lease: running }
    if (known !== last) {
      const message = 'The conversation has gone on since the message with this Idempotency-Key failed.'
      throw new AppError('conflict', message)
    }
  }
  if (running) return { kind: 'busy', lease: running }
  if (last && !last.assistant && last.user.content === message.content) {
    return { kind: 'ask', turn: last.turn, stored: last.user }
  }
  if (remainingTurns(conversation, turns.length) === 0) {
    throw new AppError('conflict', `The conversation has had all of its ${turns.length} turns.`)
  }
  return { kind: 'ask', turn: turns.length + 1 }
}

function hasKey({ keys }: UserMessage, wanted: string | undefined, clock: Clock): boolean {
  return keys.some(({ hash, at }) => hash === wanted && counts(at, clock))
}

function counts(at: string, clock: Clock): boolean {
  return clock().getTime() - Date.parse(at) < KEY_LIFETIME_MS
}

/** The keys of a message that is stored again, with that of the present request. */
export function keysOf(
  stored: UserMessage | undefined,
  keyHash: string | undefined,
  clock: Clock,
): UserMessage['keys'] {
  const earlier = (stored?.keys ?? []).filter(({ hash, at }) => hash !== keyHash && counts(at, clock))
  const own = keyHash === undefined ? [] : [{ hash: keyHash, at: clock().toISOString() }]
  return [...earlier, ...own].slice(-MAX_KEYS)
}
