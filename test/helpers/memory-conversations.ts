import {
  type Conversation,
  type ConversationStore,
  isExpired,
  type Lease,
  ownerKey,
} from '../../src/domain/conversation.ts'
import { type Clock, systemClock } from '../../src/util/time.ts'

type Stored = Omit<Conversation, 'lease'> & { lease?: Lease | undefined }

/** Conversations that live as long as the process: for tests, and the plainest example of what the port promises. */
export function memoryConversations(clock: Clock = systemClock): ConversationStore & { stored(): string } {
  /** As JSON, so that no caller holds a part of it. */
  const kept = new Map<string, string>()

  const load = (key: string): Stored | undefined => {
    const text = kept.get(key)
    return text === undefined ? undefined : JSON.parse(text)
  }
  const save = (key: string, conversation: Stored) => kept.set(key, JSON.stringify(conversation))
  const served = (key: string) => {
    const conversation = load(key)
    return conversation && !isExpired(conversation, clock) ? conversation : undefined
  }
  const isOver = (lease: Lease | undefined) => !lease || lease.expires_at <= clock().toISOString()

  return {
    stored: () => JSON.stringify([...kept.values()]),

    async create(start) {
      const key = ownerKey(start.owner, start.conversation_id)
      if (!kept.has(key)) save(key, { ...start, turns: [], updated_at: start.created_at })
    },

    async read(owner, id) {
      const found = served(ownerKey(owner, id))
      if (!found) return undefined
      const { lease, ...conversation } = found
      return { ...conversation, ...(lease && !isOver(lease) && { lease }) }
    },

    async beginTurn(owner, id, { turn, user }, lease) {
      const key = ownerKey(owner, id)
      const conversation = served(key)
      if (!conversation || !isOver(conversation.lease)) return false
      const { turns } = conversation
      const isAgain = turn === turns.at(-1)?.turn && !turns.at(-1)?.assistant
      if (turn !== turns.length + 1 && !isAgain) return false
      const all = [...turns.slice(0, turn - 1), { turn, user }]
      save(key, { ...conversation, turns: all, updated_at: user.created_at, lease })
      return true
    },

    async renewLease(owner, id, lease) {
      const key = ownerKey(owner, id)
      const conversation = served(key)
      if (conversation?.lease?.token !== lease.token) return false
      save(key, { ...conversation, lease })
      return true
    },

    async finishTurn(owner, id, lease, assistant) {
      const key = ownerKey(owner, id)
      const conversation = served(key)
      if (conversation?.turns[lease.turn - 1]?.assistant?.id === assistant.id) return true
      if (conversation?.lease?.token !== lease.token) return false
      const turns = conversation.turns.map((turn) =>
        turn.turn === lease.turn ? { ...turn, assistant } : turn,
      )
      save(key, { ...conversation, turns, updated_at: assistant.created_at, lease: undefined })
      return true
    },

    async releaseLease(owner, id, token) {
      const key = ownerKey(owner, id)
      const conversation = served(key)
      if (conversation?.lease?.token === token) save(key, { ...conversation, lease: undefined })
    },

    async list(owner, { before, limit }) {
      return [...kept.keys()]
        .flatMap((key) => load(key) ?? [])
        .filter((one) => ownerKey(one.owner) === ownerKey(owner))
        .filter((one) => !isExpired(one, clock))
        .filter(({ conversation_id }) => before === undefined || conversation_id < before)
        .sort((a, b) => (a.conversation_id < b.conversation_id ? 1 : -1))
        .slice(0, limit)
        .map(({ conversation_id, topic_id, topic_revision, created_at, turns, updated_at }) => ({
          conversation_id,
          topic_id,
          topic_revision,
          created_at,
          turns: turns.length,
          updated_at,
        }))
    },

    async storedIds(owner, limit) {
      return [...kept.keys()]
        .flatMap((key) => load(key) ?? [])
        .filter((one) => ownerKey(one.owner) === ownerKey(owner))
        .slice(0, limit)
        .map(({ conversation_id }) => conversation_id)
    },

    async erase(owner, id) {
      const key = ownerKey(owner, id)
      const conversation = load(key)
      if (!conversation) return undefined
      kept.delete(key)
      return { conversations: 1, messages: messagesIn(conversation) }
    },
  }
}

function messagesIn({ turns }: Pick<Conversation, 'turns'>): number {
  return turns.reduce((sum, { assistant }) => sum + (assistant ? 2 : 1), 0)
}
