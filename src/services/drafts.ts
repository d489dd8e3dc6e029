import { type FieldError, invalidInput } from '../domain/errors.ts'
import { definitionOf, type PromptTexts, type Topic } from '../domain/topic.ts'
import {
  ANALYSABLE_TYPES,
  type AnalysisOptions,
  analyzeTexts,
  type FinishedAnalysis,
  isAnalysable,
  wrongType,
} from './analysis.ts'
import type { Catalog } from './catalog/catalog.ts'
import { askCoach, COACHING_TYPE, conversationParameters } from './coaching.ts'
import { createLiveAnswer } from './conversations/live-answer.ts'
import { type SaidTurn, sentMessages } from './conversations/window.ts'
import { DEFAULT_MAX_TOKENS, type ModelClient } from './models.ts'
import { assertPublishable } from './publishing.ts'
import { renderTexts } from './rendering.ts'

/** What a model is asked with: some texts of a topic are replaced, and nothing is stored. */
export interface Draft {
  topic_id: string
  /** In place of the topic's own texts, or beside them. */
  prompts: PromptTexts
  parameters: Readonly<Record<string, unknown>>
  /** What a person says to a coach; analyses have none. */
  message?: string | undefined
  /** What was said before, oldest first: each message, with its answer unless that failed. Analyses have none. */
  turns: readonly { message: string; answer?: string | undefined }[]
}

/** What came of a draft: an analysis, or what a coach has answered. */
export type FinishedRun = FinishedAnalysis | FinishedReply

interface FinishedReply extends Omit<FinishedAnalysis, 'analysis'> {
  analysis?: never
  message: { role: 'assistant'; content: string }
}

/**
 * Asks the model of a topic, in whatever state that is, with a draft of its texts. The draft is checked as saving it
 * would be.
 *
 * @throws AppError `not_found`, `invalid_input`, `too_large`, `model_not_configured`, `model_error`, `rate_limited`.
 */
export async function runDraft(
  { catalog, models }: { catalog: Catalog; models: ModelClient },
  draft: Draft,
  options: AnalysisOptions,
): Promise<FinishedRun> {
  const { topic_id, prompts, parameters, message, turns } = draft
  const topic = catalog.topic(topic_id)
  const isAnalysis = isAnalysable(topic)
  if (!isAnalysis && topic.topic_type !== COACHING_TYPE)
    throw wrongType(topic, [...ANALYSABLE_TYPES, COACHING_TYPE])
  const faults = isAnalysis ? misplaced(draft) : message === undefined ? [MISSING] : []
  if (faults.length > 0) throw invalidInput(faults)
  const texts = { ...(await catalog.texts(topic)), ...prompts }
  assertPublishable({ definition: definitionOf(topic), texts })
  return message === undefined
    ? analyzeTexts(models, topic, texts, parameters, options)
    : answerMessage(models, topic, texts, { parameters, message, turns }, options)
}

const MISSING: FieldError = { path: 'message', expected: 'string', message: 'is missing; expected string.' }

/** What only a coach is told. */
function misplaced({ message, turns }: Draft): FieldError[] {
  const paths = [...(message === undefined ? [] : ['message']), ...(turns.length === 0 ? [] : ['turns'])]
  return paths.map((path) => ({ path, expected: 'no such field', message: 'has no place in an analysis.' }))
}

/** The next answer of a conversation, asked for as in a real one. */
async function answerMessage(
  models: ModelClient,
  topic: Topic,
  texts: PromptTexts,
  { parameters, message, turns }: Pick<Draft, 'parameters' | 'turns'> & { message: string },
  { style, prefix, signal, listener }: AnalysisOptions,
): Promise<FinishedReply> {
  const given = conversationParameters(topic, parameters, style)
  const { system = '', user: opening = '' } = renderTexts(topic, texts, given, { style, prefix }).prompts
  const { config } = topic
  const next: SaidTurn = { turn: turns.length + 1, user: { content: message } }
  const known = { system, opening, config, turns: turns.map(saidTurn) }
  const { messages } = sentMessages(known, next, config.max_tokens ?? DEFAULT_MAX_TOKENS)
  return models.withModel(topic, signal, async (session) => {
    const live = createLiveAnswer()
    if (listener) live.follow(listener)
    // Who tries a draft sees it grow, whatever conversations of the topic do.
    const onDelta = listener && live.push
    const content = await askCoach(session, { system, messages, config }, onDelta, () => !live.isEmpty())
    live.settle(content)
    return { topic, message: { role: 'assistant', content }, use: session.use, unknown: [] }
  })
}

function saidTurn({ message, answer }: Draft['turns'][number], index: number): SaidTurn {
  const user = { content: message }
  return { turn: index + 1, user, ...(answer !== undefined && { assistant: { content: answer } }) }
}
