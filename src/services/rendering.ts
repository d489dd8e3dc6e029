import type { JsonValue } from '../domain/json.ts'
import { checkParameters, type ParameterStyle } from '../domain/parameters.ts'
import { renderTemplate } from '../domain/template/render.ts'
import type { Topic } from '../domain/topic.ts'
import type { Catalog } from './catalog/catalog.ts'

/** An active topic with its prompts filled in. */
export interface RenderedTopic {
  topic: Topic
  prompts: Record<string, string>
  /** The values that they were filled with: checked, converted and with defaults. */
  values: Readonly<Record<string, JsonValue>>
}

/**
 * Fills all prompts of an active topic with checked parameters.
 *
 * @param prefix path of the parameters in the surface's input.
 * @throws AppError `not_found`, `invalid_input` with every parameter that is wrong, `too_large`.
 */
export async function renderTopic(
  catalog: Catalog,
  topic_id: string,
  parameters: Readonly<Record<string, unknown>>,
  options: { style: ParameterStyle; prefix: string },
): Promise<RenderedTopic> {
  const topic = catalog.published(topic_id)
  const texts = await catalog.texts(topic)
  const values = checkParameters(topic.allowed_parameters, parameters, options)
  const prompts = Object.fromEntries(
    Object.entries(texts).map(([type, text]) => [type, renderTemplate(text, values)]),
  )
  return { topic, prompts, values }
}
