import * as z from 'zod'
import { TopicId } from '../../domain/identifiers.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { TurnMeta } from '../../pipeline/result.ts'
import { remainingTurns } from '../../services/conversations/next-step.ts'
import { JsonObject } from '../../util/json.ts'
import {
  ConversationData,
  ConversationId,
  conversationData,
  forUsers,
  Message,
  messageData,
  ownerOf,
  RemainingTurns,
} from './record.ts'
import * as sample from './sample.ts'

/** Longest time that a message may wait for another's turn. */
export const MAX_WAIT_SECONDS = 30

export const startConversation = defineOperation({
  ...forUsers,
  name: 'conversations.start',
  http: 'POST /conversations',
  creates: '/conversations/{conversation_id}',
  title: 'Start a conversation',
  summary: "Fill a coaching topic's prompts with parameters and keep them for a conversation; asks no model.",
  effect: 'write',
  input: z.strictObject({
    topic_id: TopicId,
    parameters: JsonObject.default({}).describe('Values by parameter name.'),
  }),
  output: ConversationData,
  example: {
    input: { topic_id: sample.topic.topic_id, parameters: { user_name: 'Ana' } },
    data: sample.started,
  },
  async run({ conversations }, { topic_id, parameters }, context) {
    const { caller, parameterStyle: style = 'json', parameterPrefix: prefix = 'parameters' } = context
    const options = { style, prefix }
    const conversation = await conversations.start(ownerOf(caller), topic_id, parameters, options)
    // Turns are no further use: a conversation keeps the texts that it was started with.
    return { data: conversationData(conversation), served: [topic_id] }
  },
})

export const say = defineOperation({
  ...forUsers,
  name: 'conversations.say',
  http: 'POST /conversations/{conversation_id}/messages',
  title: 'Say something',
  summary:
    'Send a message and get the answer. The turn goes on when the connection is lost; with the same key the same request follows it.',
  effect: 'write',
  limit: 'analysis',
  streams: 'by topic',
  headers: ['idempotency-key', 'prefer'],
  input: z.strictObject({
    conversation_id: ConversationId,
    content: z
      .string()
      .regex(/\S/)
      .refine((text) => !text.includes('\0'), {
        error: 'holds a NUL character',
        params: { expected: 'text without NUL' },
      })
      .describe('The message: at most 16,384 bytes of UTF-8.'),
    idempotency_key: z
      .string()
      .regex(/^[\x20-\x7e]{1,255}$/)
      .optional()
      .describe(
        'Chosen by the caller for this message: 1–255 printable ASCII characters. For 24 hours the same message with the same key is answered once.',
      ),
    wait: z
      .int()
      .min(0)
      .max(MAX_WAIT_SECONDS)
      .default(0)
      .describe('Seconds to wait while another message is being answered, instead of a conflict at once.'),
  }),
  output: z.object({ message: Message, remaining_turns: RemainingTurns }),
  meta: TurnMeta,
  example: {
    input: { ...sample.id, content: sample.question.content, idempotency_key: '5b0c6f7e-turn-1', wait: 10 },
    data: { message: sample.answer, remaining_turns: sample.answered.remaining_turns },
    meta: {
      topic_id: sample.topic.topic_id,
      revision: sample.topic.topic_revision,
      model: 'anthropic.claude-3-sonnet-20240229-v1:0',
      input_tokens: 2310,
      output_tokens: 14,
      attempts: 1,
      latency_ms: 2140,
      context: { turns_sent: 1, turns_left_out: 0 },
    },
    deltas: ['Teaching, then. ', 'Which one lesson comes to mind first?'],
  },
  async run({ conversations }, { conversation_id, content, idempotency_key: key, wait }, context) {
    const { caller, signal, listener } = context
    const options = { key, waitMs: wait * 1000, signal, listener }
    const said = await conversations.say(ownerOf(caller), conversation_id, content, options)
    const { conversation, turn, answer, hasAsked } = said
    const { topic_id, topic_revision: revision } = conversation
    const { use, latency_ms } = answer
    return {
      data: {
        message: messageData(turn, 'assistant', answer),
        remaining_turns: remainingTurns(conversation, turn),
      },
      meta: { topic_id, revision, ...use, latency_ms, context: answer.context },
      // Once for the model's call, however many requests its answer goes to.
      ...(hasAsked && { use }),
    }
  },
})

export const cancelTurn = defineOperation({
  ...forUsers,
  name: 'conversations.cancel',
  http: 'POST /conversations/{conversation_id}/cancel',
  title: 'Cancel the running turn',
  summary:
    'End the turn that is being answered; its message stays and can be sent again. Without one it does nothing.',
  effect: 'write',
  input: z.strictObject({ conversation_id: ConversationId }),
  output: z.object({
    conversation_id: z.string(),
    cancelled: z
      .boolean()
      .describe('False when no turn was being answered, or its answer was stored before.'),
  }),
  example: { input: sample.id, data: { ...sample.id, cancelled: true } },
  async run({ conversations }, { conversation_id }, { caller }) {
    const cancelled = await conversations.cancel(ownerOf(caller), conversation_id)
    return { data: { conversation_id, cancelled } }
  },
})
