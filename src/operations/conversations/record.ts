import * as z from 'zod'
import type { Caller, Owner } from '../../domain/caller.ts'
import type { Conversation, StoredMessage } from '../../domain/conversation.ts'
import { AppError } from '../../domain/errors.ts'
import { TopicId } from '../../domain/identifiers.ts'
import { remainingTurns } from '../../services/conversations/next-step.ts'

/** What all operations on conversations have in common: they are for users, each for the user's own. */
export const forUsers = {
  role: 'user',
  callers: ['token', 'session', 'local'],
  cache: 'none',
  limit: 'retrieval',
} as const

/** Any text: what is no id is not found, like an id of another owner. */
export const ConversationId = z.string().describe('Id of a conversation of yours.')

const Time = z.string().describe('ISO 8601, UTC.')

export const Message = z.object({
  id: z.string(),
  turn: z.int().describe('From 1; a message and its answer have the same.'),
  role: z.enum(['user', 'assistant']),
  content: z.string(),
  created_at: Time,
})

const Running = z.object({ turn: z.int(), started_at: Time })
export const RemainingTurns = z.int().describe("Of the topic's `max_turns`, or of 1,000.")

export const ConversationData = z.object({
  conversation_id: z.string(),
  topic_id: TopicId,
  topic_revision: z
    .int()
    .describe('Of the topic when it started; later edits do not change the conversation.'),
  status: z
    .enum(['active', 'completed'])
    .describe('completed: its last turn is answered, and no other can begin.'),
  messages: z
    .array(Message)
    .describe('In order. A message without an answer is being answered, or can be sent again.'),
  running: Running.optional().describe('The turn that is being answered.'),
  remaining_turns: RemainingTurns,
  created_at: Time,
  updated_at: Time.describe('Time of the last message, or of the start.'),
})

/** A conversation as callers see it: without the texts of its topic. */
export function conversationData(conversation: Conversation): z.infer<typeof ConversationData> {
  const { conversation_id, topic_id, topic_revision, turns, lease, created_at, updated_at } = conversation
  const messages = turns.flatMap(({ turn, user, assistant }) => [
    messageData(turn, 'user', user),
    ...(assistant ? [messageData(turn, 'assistant', assistant)] : []),
  ])
  const remaining_turns = remainingTurns(conversation, turns.length)
  const isOver = remaining_turns === 0 && turns.at(-1)?.assistant !== undefined
  return {
    conversation_id,
    topic_id,
    topic_revision,
    status: isOver ? 'completed' : 'active',
    messages,
    ...(lease && { running: { turn: lease.turn, started_at: lease.started_at } }),
    remaining_turns,
    created_at,
    updated_at,
  }
}

export function messageData(
  turn: number,
  role: z.infer<typeof Message>['role'],
  { id, content, created_at }: StoredMessage,
): z.infer<typeof Message> {
  return { id, turn, role, content, created_at }
}

/** Whose conversations a caller may see. @throws AppError `forbidden` for a token without a subject. */
export function ownerOf({ owner }: Caller): Owner {
  if (owner) return owner
  throw new AppError('forbidden', 'Conversations belong to a subject; this token names none (`sub`).')
}
