import type {
  AssistantMessage,
  Conversation,
  ConversationStart,
  Lease,
  UserMessage,
} from '../../../domain/conversation.ts'

/** One line of a conversation's file: something that happened to it. */
export type Entry =
  | ({ kind: 'start' } & ConversationStart)
  | { kind: 'user'; turn: number; message: UserMessage; lease: Lease; at: string }
  | { kind: 'assistant'; turn: number; message: AssistantMessage; token: string }
  | { kind: 'renewed'; token: string; expires_at: string }
  | { kind: 'released'; token: string }

/** What has become of a conversation by all that happened to it. Its lease may have expired. */
export type History = Conversation

/** Whether a turn is the next one, or the last one without an answer. */
export function mayBegin({ turns }: History, turn: number): boolean {
  const last = turns.at(-1)
  return turn === turns.length + 1 || (turn === last?.turn && !last.assistant)
}

/** Whether no process holds a lease at that time. */
export function isFree({ lease }: History, at: string): boolean {
  return !lease || lease.expires_at <= at
}

/**
 * The history with one more entry. Entries of those who came too late change nothing: of several processes that begin a
 * turn at the same time, the first in the file has begun it, and every reader sees that.
 */
export function withEntry(history: History | undefined, entry: Entry): History | undefined {
  if (entry.kind === 'start') {
    const { kind: _, ...start } = entry
    return history ?? { ...start, turns: [], updated_at: start.created_at }
  }
  return history && after(history, entry)
}

function after(history: History, entry: Exclude<Entry, { kind: 'start' }>): History {
  const { turns, lease, ...rest } = history
  if (entry.kind === 'user') {
    const { turn, message: user, at } = entry
    if (!mayBegin(history, turn) || !isFree(history, at)) return history
    const earlier = turns.slice(0, turn - 1)
    return { ...rest, turns: [...earlier, { turn, user }], lease: entry.lease, updated_at: user.created_at }
  }
  if (lease?.token !== entry.token) return history
  switch (entry.kind) {
    case 'renewed':
      return { ...history, lease: { ...lease, expires_at: entry.expires_at } }
    case 'released':
      return { ...rest, turns }
    case 'assistant': {
      const answered = turns.map((turn) =>
        turn.turn === entry.turn ? { ...turn, assistant: entry.message } : turn,
      )
      return { ...rest, turns: answered, updated_at: entry.message.created_at }
    }
  }
}

export function messagesIn({ turns }: History): number {
  return turns.reduce((sum, { assistant }) => sum + (assistant ? 2 : 1), 0)
}
