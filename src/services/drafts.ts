import { AppError, invalidInput } from '../domain/errors.ts'
import type { ModelUse } from '../domain/language-model.ts'
import { checkTopic, definitionOf, type PromptTexts, type Topic } from '../domain/topic.ts'
import {
  ANALYSABLE_TYPES,
  type AnalysisOptions,
  analyzeTexts,
  type FinishedAnalysis,
  isAnalysable,
  isBlank,
  wrongType,
} from './analysis.ts'
import type { Catalog } from './catalog/catalog.ts'
import { DEFAULT_MAX_TOKENS, type ModelClient } from './models.ts'
import { renderTexts } from './rendering.ts'

const COACHING_TYPE = 'conversation_coaching'

/** What a model is asked with: some texts of a topic are replaced, and nothing is stored. */
export interface Draft {
  topic_id: string
  /** In place of the topic's own texts, or beside them. */
  prompts: PromptTexts
  parameters: Readonly<Record<string, unknown>>
  /** What a person says to a coach; analyses have none. */
  message?: string | undefined
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
  { topic_id, prompts, parameters, message }: Draft,
  options: AnalysisOptions,
): Promise<FinishedRun> {
  const topic = catalog.topic(topic_id)
  const isAnalysis = isAnalysable(topic)
  if (!isAnalysis && topic.topic_type !== COACHING_TYPE)
    throw wrongType(topic, [...ANALYSABLE_TYPES, COACHING_TYPE])
  if (isAnalysis !== (message === undefined)) throw wrongMessage(isAnalysis)
  const texts = { ...(await catalog.texts(topic)), ...prompts }
  assertValid(topic, texts)
  return message === undefined
    ? analyzeTexts(models, topic, texts, parameters, options)
    : answerMessage(models, topic, texts, parameters, message, options)
}

function wrongMessage(isAnalysis: boolean): AppError {
  return isAnalysis
    ? invalidInput([{ path: 'message', expected: 'no such field', message: 'has no place in an analysis.' }])
    : invalidInput([{ path: 'message', expected: 'string', message: 'is missing; expected string.' }])
}

/** @throws AppError `invalid_input`, `too_large`. */
function assertValid(topic: Topic, texts: PromptTexts): void {
  const { errors, tooLarge } = checkTopic(definitionOf(topic), texts)
  if (tooLarge !== undefined) throw new AppError('too_large', tooLarge)
  if (errors.length > 0) throw invalidInput(errors)
}

/** The first answer of a conversation. */
async function answerMessage(
  models: ModelClient,
  topic: Topic,
  texts: PromptTexts,
  parameters: Readonly<Record<string, unknown>>,
  message: string,
  { style, prefix, signal, listener }: AnalysisOptions,
): Promise<FinishedReply> {
  const { prompts } = renderTexts(topic, texts, parameters, { style, prefix })
  const { system, user } = prompts
  const { config } = topic
  return models.withModel(topic, signal, async (session) => {
    let isShown = false
    const show = (delta: string) => {
      isShown ||= delta !== ''
      listener?.onText(delta)
    }
    const request = {
      system: isBlank(system) ? [] : [system as string],
      messages: [{ role: 'user' as const, content: isBlank(user) ? message : `${user}\n\n${message}` }],
      maxTokens: config.max_tokens ?? DEFAULT_MAX_TOKENS,
      temperature: config.temperature,
      config,
    }
    const { answers } = await session.ask(request, listener && show, () => isShown)
    return { topic, message: replyOf(answers, session.use), use: session.use, unknown: [] }
  })
}

function replyOf(answers: readonly string[], modelUse: ModelUse): FinishedReply['message'] {
  const content = answers.join('')
  if (isBlank(content)) throw new AppError('model_error', 'The model gave an empty answer.', { modelUse })
  return { role: 'assistant', content }
}
