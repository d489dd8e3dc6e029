import type { AssistantMessage, Conversation } from '../../domain/conversation.ts'
import type { ModelMessage } from '../../domain/language-model.ts'
import type { TopicConfig } from '../../domain/topic.ts'

/** Tokens of a model's context that a topic's conversations use, unless its `context_tokens` says otherwise. */
const DEFAULT_CONTEXT_TOKENS = 100_000
/** Where no count of the model is known: what one byte of UTF-8 is, in any language, rather too much than too little. */
const TOKENS_PER_BYTE = 1 / 3
/** Counts outside of this are no counts of the text, for example because a server reports only what it has not cached. */
const SENSIBLE = { least: 1 / 8, most: 1 }

/** A message of the user, and its answer if it has one. */
export interface SaidTurn {
  /** From 1. */
  turn: number
  user: { content: string }
  /** With what its call has counted, where that is known. */
  assistant?: { content: string } & Partial<Pick<AssistantMessage, 'use' | 'context'>>
}

type Known = Pick<Conversation, 'system' | 'opening'> & { config: TopicConfig; turns: readonly SaidTurn[] }

/**
 * What a model is sent of a conversation for its next answer: the opening always, then whole turns from the newest
 * backwards as far as the context allows. The model is not told what is left out.
 *
 * Roles alternate, as models require: messages that were never answered are joined with the one that follows them.
 *
 * @param next the turn to answer; its message is always sent.
 * @param maxTokens what the answer may take of the context.
 */
export function sentMessages(
  conversation: Known,
  next: SaidTurn,
  maxTokens: number,
): { messages: ModelMessage[]; context: AssistantMessage['context'] } {
  const { opening, config } = conversation
  const earlier = conversation.turns.filter(({ turn }) => turn < next.turn)
  const perByte = tokensPerByte(conversation, earlier)
  let tokens = (config.context_tokens ?? DEFAULT_CONTEXT_TOKENS) - maxTokens
  tokens -= (bytesOfStart(conversation) + bytesOf(next)) * perByte
  let first = earlier.length
  while (first > 0) {
    tokens -= bytesOf(earlier[first - 1] as SaidTurn) * perByte
    if (tokens < 0) break
    first--
  }
  const sent = [...earlier.slice(first), next]
  return {
    messages: alternating(opening, sent),
    context: { turns_sent: sent.length, turns_left_out: first },
  }
}

/** By the model's own count of the last call, if it gave one. */
function tokensPerByte(conversation: Known, earlier: readonly SaidTurn[]): number {
  const at = earlier.findLastIndex(({ assistant }) => assistant !== undefined)
  const { use, context } = earlier[at]?.assistant ?? {}
  // With several attempts the count is the sum of all.
  if (!use || !context || use.attempts !== 1 || use.input_tokens === 0) return TOKENS_PER_BYTE
  const sent = earlier.slice(Math.max(0, at + 1 - context.turns_sent), at + 1)
  const answer = Buffer.byteLength(earlier[at]?.assistant?.content ?? '')
  const bytes = bytesOfStart(conversation) - answer + sent.reduce((sum, turn) => sum + bytesOf(turn), 0)
  return Math.min(SENSIBLE.most, Math.max(SENSIBLE.least, use.input_tokens / bytes))
}

function bytesOfStart({ system, opening }: Known): number {
  return Buffer.byteLength(system) + Buffer.byteLength(opening)
}

function bytesOf({ user, assistant }: SaidTurn): number {
  return Buffer.byteLength(user.content) + Buffer.byteLength(assistant?.content ?? '')
}

function alternating(opening: string, turns: readonly SaidTurn[]): ModelMessage[] {
  const messages: ModelMessage[] = []
  let unanswered = opening.trim() === '' ? [] : [opening]
  for (const { user, assistant } of turns) {
    unanswered.push(user.content)
    if (!assistant) continue
    messages.push({ role: 'user', content: unanswered.join('\n\n') })
    messages.push({ role: 'assistant', content: assistant.content })
    unanswered = []
  }
  if (unanswered.length > 0) messages.push({ role: 'user', content: unanswered.join('\n\n') })
  return messages
}
