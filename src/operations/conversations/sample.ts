import type * as z from 'zod'
import type { ConversationData, Message } from './record.ts'

/** The conversation that the operations' examples show. */
export const id = { conversation_id: '019ac9c3-8a10-7cc1-9d0e-6f0f2f6a1d3b' }
export const topic = { topic_id: 'core_values', topic_revision: 1 }
export const STARTED_AT = '2025-01-20T14:00:00.000Z'
const ANSWERED_AT = '2025-01-20T14:00:07.180Z'

export const question: z.infer<typeof Message> = {
  id: 'b9f1a5de-6f0e-4e3c-9c1c-0d8a0f6a2f11',
  turn: 1,
  role: 'user',
  content: 'I felt most alive when I was teaching.',
  created_at: '2025-01-20T14:00:05.040Z',
}
export const answer: z.infer<typeof Message> = {
  id: '4d7f0a0c-51c4-4f6e-8f0b-2a0f3f0c9a77',
  turn: 1,
  role: 'assistant',
  content: 'Teaching, then. Which one lesson comes to mind first?',
  created_at: ANSWERED_AT,
}

export const started: z.infer<typeof ConversationData> = {
  ...id,
  ...topic,
  status: 'active',
  messages: [],
  remaining_turns: 20,
  created_at: STARTED_AT,
  updated_at: STARTED_AT,
}
export const answered: z.infer<typeof ConversationData> = {
  ...started,
  messages: [question, answer],
  remaining_turns: 19,
  updated_at: ANSWERED_AT,
}
