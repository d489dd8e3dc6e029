import type { Owner } from '../../src/domain/caller.ts'
import {
  CONVERSATION_LIFETIME_MS,
  type Conversation,
  type ConversationStore,
} from '../../src/domain/conversation.ts'
import { type Clock, systemClock } from '../../src/domain/time.ts'

/** Conversations that live as long as the process. */
export function memoryConversations(clock: Clock = systemClock): ConversationStore {
  const kept = new Map<string, string>()
  const keyOf = ({ sub, tenant }: Owner, id: string) => JSON.stringify([sub, tenant, id])
  const now = () => clock().toISOString()
  const load = (key: string): Conversation | undefined => {
    const found = JSON.parse(kept.get(key) ?? 'null') as Conversation | null
    const age = clock().getTime() - Date.parse(found?.updated_at ?? '')
    return found && age < CONVERSATION_LIFETIME_MS ? found : undefined
  }
  const save = (key: string, { lease, ...rest }: Conversation, next = lease) =>
    void kept.set(key, JSON.stringify({ ...rest, ...(next && { lease: next }) }))

  return {
    async create(start) {
      save(keyOf(start.owner, start.conversation_id), { ...start, turns: [], updated_at: start.created_at })
    },
    read: async (owner, id) => load(keyOf(owner, id)),
    async beginTurn(owner, id, { turn, user }, lease) {
      const found = load(keyOf(owner, id))
      if (!found || (found.lease && found.lease.expires_at > now())) return false
      const { turns } = found
      const isAgain = turn === turns.length && !turns.at(-1)?.assistant
      if (!isAgain && turn !== turns.length + 1) return false
      const all = [...turns.slice(0, turn - 1), { turn, user }]
      save(keyOf(owner, id), { ...found, turns: all, updated_at: now() }, lease)
      return true
    },
    async renewLease(owner, id, lease) {
      const found = load(keyOf(owner, id))
      if (found?.lease?.token !== lease.token) return false
      save(keyOf(owner, id), found, lease)
      return true
    },
    async finishTurn(owner, id, lease, assistant) {
      const found = load(keyOf(owner, id))
      if (found?.turns[lease.turn - 1]?.assistant?.id === assistant.id) return true
      if (found?.lease?.token !== lease.token) return false
      const { lease: _, turns, ...rest } = found
      const answered = turns.map((turn) => (turn.turn === lease.turn ? { ...turn, assistant } : turn))
      save(keyOf(owner, id), { ...rest, turns: answered, updated_at: now() })
      return true
    },
    async releaseLease(owner, id, token) {
      const found = load(keyOf(owner, id))
      if (!found?.lease || (token ?? found.lease.token) !== found.lease.token) return
      const { lease: _, ...rest } = found
      save(keyOf(owner, id), rest)
    },
    async list(owner, { before, limit }) {
      return [...kept.keys()]
        .flatMap((key) => load(key) ?? [])
        .filter((one) => keyOf(one.owner, '') === keyOf(owner, ''))
        .filter(({ conversation_id }) => before === undefined || conversation_id < before)
        .sort((a, b) => (a.conversation_id < b.conversation_id ? 1 : -1))
        .slice(0, limit)
        .map(({ conversation_id, topic_id, topic_revision, created_at, updated_at, turns }) => {
          return { conversation_id, topic_id, topic_revision, created_at, updated_at, turns: turns.length }
        })
    },
    async erase(owner, id) {
      const found = load(keyOf(owner, id))
      if (!found) return undefined
      kept.delete(keyOf(owner, id))
      const messages = found.turns.flatMap(({ assistant }) => (assistant ? [1, 1] : [1])).length
      return { conversations: 1, messages }
    },
  }
}
