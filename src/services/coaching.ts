import { AppError } from '../domain/errors.ts'
import type { ModelMessage } from '../domain/language-model.ts'
import type { ParameterStyle } from '../domain/parameters.ts'
import type { Topic, TopicConfig } from '../domain/topic.ts'
import { DEFAULT_MAX_TOKENS, type ModelSession } from './models.ts'

/** The type of topics that conversations are about. */
export const COACHING_TYPE = 'conversation_coaching'

/** The parameter in which callers that keep the history themselves give it; in a conversation it is in the messages. */
const HISTORY = 'conversation_history'

/** What a conversation's texts are rendered with: a history that the caller leaves out is empty. */
export function conversationParameters(
  { allowed_parameters }: Topic,
  parameters: Readonly<Record<string, unknown>>,
  style: ParameterStyle,
): Readonly<Record<string, unknown>> {
  const hasHistory = allowed_parameters.some(({ name, type }) => name === HISTORY && type === 'array')
  const none = style === 'text' ? '[]' : []
  return hasHistory ? { ...parameters, [HISTORY]: parameters[HISTORY] ?? none } : parameters
}

/** What a model has of a conversation when it is asked for the next answer. */
export interface CoachRequest {
  /** The rendered `system` text; may be blank. */
  system: string
  messages: readonly ModelMessage[]
  config: TopicConfig
}

/**
 * Asks for the next answer of a conversation, as text.
 *
 * @throws AppError `model_error`, also for an empty answer.
 */
export async function askCoach(
  session: ModelSession,
  { system, messages, config }: CoachRequest,
  onDelta: ((delta: string) => void) | undefined,
  isShown: () => boolean,
): Promise<string> {
  const request = {
    system: system.trim() === '' ? [] : [system],
    messages,
    maxTokens: config.max_tokens ?? DEFAULT_MAX_TOKENS,
    temperature: config.temperature,
    config,
  }
  const { answers } = await session.ask(request, onDelta, isShown)
  const content = answers.join('')
  if (content.trim() === '') {
    throw new AppError('model_error', 'The model gave an empty answer.', { modelUse: session.use })
  }
  return content
}
