import { checkParameters, type ParameterStyle } from '../domain/parameters.ts'
import { renderTemplate } from '../domain/template/render.ts'
import type { PromptTexts, Topic } from '../domain/topic.ts'
import type { JsonValue } from '../util/json.ts'
import type { Catalog } from './catalog/catalog.ts'

/** A topic with its prompts filled in. */
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
  return renderTexts(topic, await catalog.texts(topic), parameters, options)
}

/** The same with given texts, whatever the topic's own are and in whatever state it is. */
export function renderTexts(
  topic: Topic,
  texts: PromptTexts,
  parameters: Readonly<Record<string, unknown>>,
  options: { style: ParameterStyle; prefix: string },
): RenderedTopic {
  const values = checkParameters(topic.allowed_parameters, parameters, options)
  const prompts = Object.fromEntries(
    Object.entries(texts).map(([type, text]) => [type, renderTemplate(text, values)]),
  )
  return { topic, prompts, values }
}
