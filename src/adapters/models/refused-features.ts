import type { ModelMessage } from '../../domain/language-model.ts'

// How providers and the chat templates of models say that they do not take a part of a request.

const REFUSED = "(?:unsupported|(?:not|n't|no longer) (?:be )?(?:support|allow|permit|accept))"
const ROLE = '(?:system|developer)'
const SYSTEM = `(?:['"\`]${ROLE}\\\\?['"\`]|\\b${ROLE}[ _-](?:role|message|prompt|instruction))`

/** Refuses temperature as such. A temperature out of its range is an error of the topic, which must not pass silently. */
export const TEMPERATURE_REFUSED = new RegExp(
  `(?:${REFUSED}|unknown|unrecogni[sz]ed|unexpected)[^]{0,60}temperature|temperature[^]{0,80}(?:${REFUSED}|deprecated|only .{1,10} is allowed)`,
  'i',
)

/** Refuses system texts, or the role `developer` that some models have for them. */
export const SYSTEM_REFUSED = new RegExp(
  `${REFUSED}[^]{0,60}${SYSTEM}|${SYSTEM}[^]{0,60}${REFUSED}|roles must alternate|only user(?:,| and) assistant`,
  'i',
)

/** Refuses the length of texts in a schema. */
export const LENGTHS_REFUSED = /min_?length|features? (?:that (?:are|is) )?not supported/i

/** The messages for a model without system texts: these stand at the head of the first message. */
export function withSystemInFirstMessage(
  system: readonly string[],
  [first, ...others]: readonly ModelMessage[],
): ModelMessage[] {
  if (!first) return []
  return [{ ...first, content: [...system, first.content].join('\n\n') }, ...others]
}
