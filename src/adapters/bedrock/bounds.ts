import { ModelFailure } from '../../domain/language-model.ts'

/** More than any answer needs; what is longer is cut off, so that no model can fill the memory. */
export const MAX_ANSWER_BYTES = 1024 * 1024

const TOO_LARGE = 'AnswerTooLargeError'

/**
 * Collects the body of an answer that is not streamed, for the SDK.
 *
 * @throws Error that {@link isTooLarge} knows; the connection is closed.
 */
export async function collectBounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw Object.assign(new Error('too large'), { name: TOO_LARGE })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export const isTooLarge = (error: unknown) => error instanceof Error && error.name === TOO_LARGE

export function tooLarge(): ModelFailure {
  const limit = `${MAX_ANSWER_BYTES / 1024 / 1024} MiB`
  return new ModelFailure('incomplete', `The model's answer is larger than ${limit} and was cut off.`, {
    operatorMessage: `The model's answer is larger than ${limit} and was cut off: lower the topic's config.max_tokens.`,
  })
}
