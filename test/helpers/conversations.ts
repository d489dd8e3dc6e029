import { randomUUID } from 'node:crypto'
import type { Owner } from '../../src/domain/caller.ts'
import type {
  AssistantMessage,
  ConversationStart,
  ConversationStore,
  Lease,
  UserMessage,
} from '../../src/domain/conversation.ts'

export const ANNA: Owner = { sub: 'anna', tenant: 'acme' }

/** Start of the tests' time. */
export const START = Date.parse('2026-01-01T00:00:00.000Z')
export const DAY_MS = 24 * 60 * 60_000

let made = 0

/** A UUID of version 7 of that time, which sorts after those that were made earlier in the same millisecond. */
export function conversationId(ms: number = START): string {
  const time = ms.toString(16).padStart(12, '0')
  const count = (made++).toString(16).padStart(8, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8${count.slice(0, 3)}-${count.slice(3)}0000000`
}

/** A conversation that has just been started. */
export function newConversation(ms: number, more: Partial<ConversationStart> = {}): ConversationStart {
  return {
    conversation_id: conversationId(ms),
    owner: ANNA,
    topic_id: 'core_values',
    topic_revision: 3,
    system: 'You are a coach.',
    opening: 'My name is Anna.',
    config: { default_model: 'a-model', max_turns: 10, something: { of: ['another', 1.5] } },
    created_at: iso(ms),
    ...more,
  }
}

export function userMessage(ms: number, content = 'What do I value?'): UserMessage {
  return { id: randomUUID(), content, created_at: iso(ms), keys: [{ hash: 'a'.repeat(64), at: iso(ms) }] }
}

export function answer(ms: number, content = 'Let us see.'): AssistantMessage {
  return {
    id: randomUUID(),
    content,
    created_at: iso(ms),
    use: { model: 'a-model', input_tokens: 20, output_tokens: 4, attempts: 1 },
    latency_ms: 812.25,
    context: { turns_sent: 1, turns_left_out: 0 },
  }
}

export const LEASE_MS = 12_000

export function leaseFor(ms: number, turn = 1): Lease {
  return { token: randomUUID(), turn, started_at: iso(ms), expires_at: iso(ms + LEASE_MS) }
}

export const iso = (ms: number) => new Date(ms).toISOString()

/** Says something and stores the answer, as one who has the conversation alone. */
export async function takeTurn(
  store: ConversationStore,
  owner: Owner,
  conversation_id: string,
  { turn, ms, said, answered }: { turn: number; ms: number; said?: string; answered?: string },
) {
  const user = userMessage(ms, said)
  const lease = leaseFor(ms, turn)
  const assistant = answer(ms, answered)
  const isBegun = await store.beginTurn(owner, conversation_id, { turn, user }, lease)
  const isFinished = isBegun && (await store.finishTurn(owner, conversation_id, lease, assistant))
  if (!isFinished) throw new Error(`turn ${turn} was refused`)
  return { user, assistant, lease }
}
