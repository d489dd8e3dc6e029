import type { Owner } from '../../domain/caller.ts'
import type { ConversationStart } from '../../domain/conversation.ts'
import { AppError } from '../../domain/errors.ts'
import type { ParameterStyle } from '../../domain/parameters.ts'
import type { Clock } from '../../util/time.ts'
import { timeOrderedUuid } from '../../util/uuid.ts'
import { wrongType } from '../analysis.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { COACHING_TYPE, conversationParameters } from '../coaching.ts'
import type { ModelClient } from '../models.ts'
import { renderTopic } from '../rendering.ts'

/** Both rendered texts together: the largest record that every store can hold leaves no more. */
const MAX_TEXT_BYTES = 128 * 1024

/**
 * What a conversation about a topic begins with: its texts, rendered with checked parameters, and its settings with the
 * model's name.
 *
 * @throws AppError `not_found`, `invalid_input`, `too_large`, `model_not_configured`.
 */
export async function newConversation(
  { catalog, models, clock }: { catalog: Catalog; models: ModelClient; clock: Clock },
  owner: Owner,
  topic_id: string,
  parameters: Readonly<Record<string, unknown>>,
  options: { style: ParameterStyle; prefix: string },
): Promise<ConversationStart> {
  const published = catalog.published(topic_id)
  if (published.topic_type !== COACHING_TYPE) throw wrongType(published, [COACHING_TYPE])
  const given = conversationParameters(published, parameters, options.style)
  const { topic, prompts } = await renderTopic(catalog, topic_id, given, options)
  const { system = '', user: opening = '' } = prompts
  if (Buffer.byteLength(system) + Buffer.byteLength(opening) > MAX_TEXT_BYTES) {
    throw new AppError('too_large', `The rendered texts are larger than ${MAX_TEXT_BYTES / 1024} KiB.`)
  }
  const now = clock()
  return {
    conversation_id: timeOrderedUuid(now),
    owner,
    topic_id,
    topic_revision: topic.revision,
    system,
    opening,
    config: { ...topic.config, default_model: models.modelNameOf(topic) },
    created_at: now.toISOString(),
  }
}
