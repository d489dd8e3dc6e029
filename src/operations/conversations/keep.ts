import * as z from 'zod'
import { TopicId } from '../../domain/identifiers.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { Cursor, wrongCursor } from '../../pipeline/paging.ts'
import { isUuid } from '../../util/uuid.ts'
import { ConversationData, ConversationId, conversationData, forUsers, ownerOf } from './record.ts'
import * as sample from './sample.ts'

export const getConversation = defineOperation({
  ...forUsers,
  name: 'conversations.get',
  http: 'GET /conversations/{conversation_id}',
  title: 'Get a conversation',
  summary: 'Get a conversation of yours with all its messages, and the turn that is being answered.',
  effect: 'read',
  input: z.strictObject({ conversation_id: ConversationId }),
  output: ConversationData,
  example: { input: sample.id, data: sample.answered },
  async run({ conversations }, { conversation_id }, { caller }) {
    return { data: conversationData(await conversations.get(ownerOf(caller), conversation_id)) }
  },
})

const ConversationSummary = z.object({
  conversation_id: z.string(),
  topic_id: TopicId,
  topic_revision: z.int(),
  turns: z.int().describe('Messages of the user.'),
  created_at: z.string(),
  updated_at: z.string(),
})

export const listConversations = defineOperation({
  ...forUsers,
  name: 'conversations.list',
  http: 'GET /conversations',
  title: 'List conversations',
  summary: 'List your conversations without their messages, those started last first.',
  effect: 'read',
  input: z.strictObject({
    cursor: Cursor,
    limit: z.int().min(1).max(500).default(100).describe('Most conversations of a page.'),
  }),
  output: z.array(ConversationSummary),
  example: {
    input: { limit: 10 },
    data: [
      {
        ...sample.id,
        ...sample.topic,
        turns: 1,
        created_at: sample.STARTED_AT,
        updated_at: sample.answered.updated_at,
      },
    ],
  },
  async run({ conversations }, { cursor, limit }, { caller }) {
    const before = cursor === undefined ? {} : { before: readCursor(cursor) }
    const found = await conversations.list(ownerOf(caller), { ...before, limit: limit + 1 })
    const data = found.slice(0, limit)
    const last = data.at(-1)
    const isCut = last !== undefined && found.length > limit
    return { data, ...(isCut && { meta: { next_cursor: writeCursor(last.conversation_id) } }) }
  },
})

function writeCursor(conversation_id: string): string {
  return Buffer.from(conversation_id).toString('base64url')
}

function readCursor(cursor: string): string {
  const conversation_id = Buffer.from(cursor, 'base64url').toString()
  if (!isUuid(conversation_id)) throw wrongCursor()
  return conversation_id
}

export const eraseConversation = defineOperation({
  ...forUsers,
  name: 'conversations.erase',
  http: 'DELETE /conversations/{conversation_id}',
  title: 'Erase a conversation',
  summary:
    'Remove every byte of a conversation of yours, also while it is being answered. It cannot be brought back.',
  effect: 'delete',
  input: z.strictObject({ conversation_id: ConversationId }),
  output: z.object({
    conversation_id: z.string(),
    erased: z.object({ conversations: z.int(), messages: z.int() }).describe('What was removed.'),
  }),
  example: { input: sample.id, data: { ...sample.id, erased: { conversations: 1, messages: 2 } } },
  async run({ conversations }, { conversation_id }, { caller }) {
    return { data: { conversation_id, erased: await conversations.erase(ownerOf(caller), conversation_id) } }
  },
})
