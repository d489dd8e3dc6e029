import type { AnswerFormat, ModelRequest } from '../../domain/language-model.ts'
import type { Dialect } from './dialect.ts'

/** The body of a chat completion's request. */
export function requestBody(request: ModelRequest, dialect: Dialect, isStreaming: boolean): string {
  const { model, temperature, maxTokens, format } = request
  return JSON.stringify({
    model,
    messages: messagesOf(request, dialect),
    [dialect.limit]: maxTokens,
    temperature,
    ...(format && formatFields(format, dialect)),
    ...(isStreaming && { stream: true }),
    ...(isStreaming && dialect.usage && { stream_options: { include_usage: true } }),
  })
}

/** One system message at most: the templates of many models take no second one. */
function messagesOf({ system, messages, format }: ModelRequest, { form }: Dialect) {
  const texts = format && form === 'words' ? [...system, inWords(format)] : system
  return texts.length === 0 ? messages : [{ role: 'system', content: texts.join('\n\n') }, ...messages]
}

function formatFields({ name, description, schema }: AnswerFormat, { form }: Dialect) {
  if (form === 'words') return {}
  if (form === 'tool') {
    // There is one tool only, so that it must be called; fewer servers understand a tool that is named.
    return {
      tools: [{ type: 'function', function: { name, description, parameters: schema } }],
      tool_choice: 'required',
    }
  }
  // Strict schemas need members that the formats of the port do not have.
  return {
    response_format: { type: 'json_schema', json_schema: { name, description, schema, strict: false } },
  }
}

function inWords({ name, description, schema }: AnswerFormat): string {
  return [
    `Your whole answer is one JSON object (${name}): no text before or after it, no Markdown.`,
    description,
    `It has this JSON Schema:\n${JSON.stringify(schema)}`,
  ].join('\n')
}
