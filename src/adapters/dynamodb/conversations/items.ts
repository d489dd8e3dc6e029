import {
  type AssistantMessage,
  CONVERSATION_LIFETIME_MS,
  type Conversation,
  type ConversationStart,
  type Lease,
  ownerKey,
  type UserMessage,
} from '../../../domain/conversation.ts'
import { AppError } from '../../../domain/errors.ts'
import { CONVERSATIONS_TTL_ATTRIBUTE } from '../conversations-table.ts'

/** The first item of a conversation. It says what counts of the others. */
export interface HeadItem {
  conversation: string
  part: typeof HEAD
  owner: string
  conversation_id: string
  topic_id: string
  topic_revision: number
  created_at: string
  updated_at: string
  /** The last turn, and the last one that has an answer: 0 for none. */
  turns: number
  answered: number
  lease?: Lease
  /** Until when every other item is kept, in epoch seconds; see {@link keptUntil}. */
  kept_until: number
  [CONVERSATIONS_TTL_ATTRIBUTE]: number
}

/** One piece of a JSON text: what a conversation was started with, or a message. */
export interface PartItem {
  conversation: string
  /** `start#00`, `turn#00001#user#00`, `turn#00001#assistant#00`; the last number counts the pieces. */
  part: string
  /** Of the message, or of the conversation. */
  id: string
  json: string
  /** How many pieces the text has. More may be left of a longer one that it has replaced. */
  pieces: number
  [CONVERSATIONS_TTL_ATTRIBUTE]: number
}

export const HEAD = 'head'
export const START = 'start'
export const userPart = (turn: number) => `turn#${String(turn).padStart(5, '0')}#user`
export const assistantPart = (turn: number) => `turn#${String(turn).padStart(5, '0')}#assistant`
/** Whether an item is the first piece of a message. */
export const isMessage = (part: string) => /^turn#.*#00$/.test(part)

/** A transaction holds 4 MB. */
const MAX_BYTES = 3_900_000
/** UTF-16 code units, of at most 3 bytes each: an item holds 400 KB. */
const PIECE_LENGTH = 120_000

/**
 * Items outlive their conversation by this. So those of older messages need a new expiry once in so long, and not with
 * every message.
 */
const KEPT_LONGER_MS = 2 * 24 * 60 * 60_000
/** Longer than any turn takes. */
const MAX_TURN_MS = 60 * 60_000

/** Until when an item is kept that is written with a message of this time, in epoch seconds. */
export function keptUntil(iso: string): number {
  return Math.ceil((Date.parse(iso) + CONVERSATION_LIFETIME_MS + KEPT_LONGER_MS) / 1000)
}

/** Until when the items of earlier messages must be kept for a turn that begins then, with time for its answer. */
export function neededUntil(iso: string): number {
  return Math.ceil((Date.parse(iso) + CONVERSATION_LIFETIME_MS + MAX_TURN_MS) / 1000)
}

export function headOf(conversation: string, start: ConversationStart): HeadItem {
  const { conversation_id, owner, topic_id, topic_revision, created_at } = start
  const kept_until = keptUntil(created_at)
  return {
    conversation,
    part: HEAD,
    owner: ownerKey(owner),
    conversation_id,
    topic_id,
    topic_revision,
    created_at,
    updated_at: created_at,
    turns: 0,
    answered: 0,
    kept_until,
    [CONVERSATIONS_TTL_ATTRIBUTE]: kept_until,
  }
}

/**
 * The items of what is stored as JSON, which keeps every text and every number as it is: DynamoDB's own types do not.
 *
 * @param name see {@link PartItem.part}.
 * @throws AppError `too_large` for more than a transaction of DynamoDB can hold.
 */
export function partsOf(
  conversation: string,
  name: string,
  id: string,
  value: ConversationStart | UserMessage | AssistantMessage,
  kept_until: number,
): PartItem[] {
  const text = JSON.stringify(value)
  if (Buffer.byteLength(text) > MAX_BYTES) {
    const message = `The texts are too large to be stored: together more than ${MAX_BYTES} bytes of JSON.`
    throw new AppError('too_large', message)
  }
  const pieces = piecesOf(text)
  return pieces.map((json, index) => ({
    conversation,
    part: pieceOf(name, index),
    id,
    json,
    pieces: pieces.length,
    [CONVERSATIONS_TTL_ATTRIBUTE]: kept_until,
  }))
}

export function pieceOf(name: string, index = 0): string {
  return `${name}#${String(index).padStart(2, '0')}`
}

function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = start + PIECE_LENGTH
    // No character is cut in two.
    const isWithin = /[\ud800-\udbff]/.test(text[end - 1] ?? '')
    pieces.push(text.slice(start, isWithin ? end - 1 : end))
    start = isWithin ? end - 1 : end
  }
  return pieces
}

/**
 * The conversation that the items of a query are, in their order.
 *
 * @returns `undefined` when an item is missing that the first one counts on: a query sees a transaction in the making.
 */
export function conversationIn(head: HeadItem, parts: readonly PartItem[]): Conversation | undefined {
  const texts = textsIn(parts)
  const start = texts.get(START)
  if (start === undefined) return undefined
  const turns: Conversation['turns'] = []
  for (let turn = 1; turn <= head.turns; turn++) {
    const user = texts.get(userPart(turn))
    const assistant = turn <= head.answered ? texts.get(assistantPart(turn)) : undefined
    // Earlier ones may have none.
    const isMissing = turn === head.answered && assistant === undefined
    if (user === undefined || isMissing) return undefined
    turns.push({ turn, user: JSON.parse(user), ...(assistant && { assistant: JSON.parse(assistant) }) })
  }
  const { updated_at, lease } = head
  return { ...JSON.parse(start), turns, updated_at, ...(lease && { lease }) }
}

/** The texts that are whole, by the names of their parts. */
function textsIn(parts: readonly PartItem[]): Map<string, string> {
  const pieces = new Map<string, PartItem[]>()
  for (const item of parts) {
    const name = item.part.slice(0, -'#00'.length)
    const before = pieces.get(name)
    if (before) before.push(item)
    else pieces.set(name, [item])
  }
  const texts = new Map<string, string>()
  for (const [name, items] of pieces) {
    const own = items.slice(0, items[0]?.pieces)
    if (own.length === items[0]?.pieces) texts.set(name, own.map(({ json }) => json).join(''))
  }
  return texts
}
