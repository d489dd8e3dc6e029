import { hash } from 'node:crypto'
import type { Clock } from '../util/time.ts'
import type { Owner } from './caller.ts'
import type { ModelUse } from './language-model.ts'
import type { TopicConfig } from './topic.ts'

/** How long a conversation is kept after its last message. */
export const CONVERSATION_LIFETIME_MS = 30 * 24 * 60 * 60_000

/** Whether a conversation, by the time of its last message, is not served any more. */
export function isExpired({ updated_at }: { updated_at: string }, clock: Clock): boolean {
  return updated_at <= lastExpired(clock)
}

/** Conversations whose last message is as old as this have expired. */
export function lastExpired(clock: Clock): string {
  return new Date(clock().getTime() - CONVERSATION_LIFETIME_MS).toISOString()
}

/**
 * What a store keeps an owner's data under, or one conversation of it: SHA-256 in hex. JSON keeps apart what would be the
 * same once it is joined, and texts that are no valid Unicode.
 */
export function ownerKey({ tenant, sub }: Owner, ...more: readonly string[]): string {
  return hash('sha256', JSON.stringify([tenant, sub, ...more]))
}

/** What a conversation is started with. It never changes, so that no edit of the topic reaches a running conversation. */
export interface ConversationStart {
  /** A UUID of version 7: ids that were made later sort after earlier ones. */
  conversation_id: string
  owner: Owner
  topic_id: string
  topic_revision: number
  /** The rendered `system` text; may be empty. */
  system: string
  /** The rendered `user` text, which goes to the model before the first message; may be empty. */
  opening: string
  /** The topic's settings, with the model's name resolved. */
  config: TopicConfig & { default_model: string }
  created_at: string
}

/** Largest message of a user, in bytes of UTF-8. */
export const MAX_MESSAGE_BYTES = 16_384

/** A message that is stored. */
export interface StoredMessage {
  /** Unique; a UUID. */
  id: string
  content: string
  created_at: string
}

/** A message of the user, with the keys of the requests that brought it. */
export interface UserMessage extends StoredMessage {
  /** SHA-256 of each `Idempotency-Key`, in hex, and when it came. */
  keys: readonly { hash: string; at: string }[]
}

/** An answer of the model, with what its request was answered. */
export interface AssistantMessage extends StoredMessage {
  use: ModelUse
  latency_ms: number
  /** Which part of the conversation the model was sent. */
  context: { turns_sent: number; turns_left_out: number }
}

/** One message of the user and the model's answer to it; the answer is missing while the turn runs, and after a failure. */
export interface Turn {
  /** From 1. */
  turn: number
  user: UserMessage
  assistant?: AssistantMessage
}

/** The right of one process to answer a turn. A lease that has expired is none. */
export interface Lease {
  /** Known to its holder only; a new one for each attempt. */
  token: string
  turn: number
  started_at: string
  expires_at: string
}

export interface Conversation extends ConversationStart {
  /** In order, without gaps. */
  turns: Turn[]
  /** Missing when no turn is being answered. */
  lease?: Lease
  /** Time of the last message, or of the start. */
  updated_at: string
}

/** A conversation without its messages, for lists. */
export type ConversationSummary = Pick<
  ConversationStart,
  'conversation_id' | 'topic_id' | 'topic_revision' | 'created_at'
> & { turns: number; updated_at: string }

/** What was removed, for a receipt. */
export interface Erased {
  conversations: number
  messages: number
}

/**
 * Conversations. A conversation of another owner, one that has expired, and one that is not there are the same to every
 * method, in answer and in time: what a conversation is kept under is made of its owner and its id.
 *
 * Each method changes all that it says or nothing, also when the process is killed, and what it has acknowledged is
 * durable. All throw AppError `unavailable` when the store cannot be reached; a write may have happened then.
 *
 * @example
 * const lease = { token: randomUUID(), turn: 1, started_at, expires_at }
 * if (await store.beginTurn(owner, id, { turn: 1, user }, lease)) {
 *   const assistant = await ask()
 *   await store.finishTurn(owner, id, lease, assistant)
 * }
 */
export interface ConversationStore {
  /**
   * Stores a new conversation. Repeating a call changes nothing.
   *
   * @throws AppError `too_large` when the store cannot hold its texts.
   */
  create(conversation: ConversationStart): Promise<void>

  /** The whole conversation, strongly consistent. */
  read(owner: Owner, conversation_id: string): Promise<Conversation | undefined>

  /**
   * Stores the user's message of a turn and takes the lease, in one step. The turn is the next one, whether or not the last
   * one has an answer; or the last one if it has none: its message is replaced then (by one with another key).
   *
   * @returns false when another process holds a lease, when the turn is neither of those, or when the conversation is
   *   gone. The caller reads again and decides.
   */
  beginTurn(
    owner: Owner,
    conversation_id: string,
    turn: Omit<Turn, 'assistant'>,
    lease: Lease,
  ): Promise<boolean>

  /** Prolongs the lease. @returns false when it was lost: expired and taken by another, cancelled, or erased. */
  renewLease(owner: Owner, conversation_id: string, lease: Lease): Promise<boolean>

  /**
   * Stores the answer and releases the lease, in one step. Repeating a call whose answer got lost changes nothing and
   * returns true.
   *
   * @returns false when the lease was lost; nothing is stored then.
   * @throws AppError `too_large` when the store cannot hold the answer.
   */
  finishTurn(
    owner: Owner,
    conversation_id: string,
    lease: Lease,
    assistant: AssistantMessage,
  ): Promise<boolean>

  /**
   * Takes the lease of this token away, whichever process holds it, so that the turn can be asked again; the holder
   * notices with the next {@link renewLease} or {@link finishTurn}.
   */
  releaseLease(owner: Owner, conversation_id: string, token: string): Promise<void>

  /**
   * An owner's conversations, those started last first. May show what others did a moment ago too late.
   *
   * @param page `before` continues after this conversation id of an earlier page.
   */
  list(owner: Owner, page: { before?: string; limit: number }): Promise<ConversationSummary[]>

  /**
   * Ids of conversations of which something is stored, so that an operator can erase them: also those that have expired
   * and those that are damaged, in any order, at most `limit`. May show what others did a moment ago too late.
   */
  storedIds(owner: Owner, limit: number): Promise<string[]>

  /**
   * Removes every byte of a conversation, also of one that is being answered or has expired. Repeatable: what an attempt
   * that was killed left over is removed by the next one.
   *
   * @returns `undefined` when there was nothing.
   */
  erase(owner: Owner, conversation_id: string): Promise<Erased | undefined>
}
