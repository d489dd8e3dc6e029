import * as z from 'zod'
import { IDENTIFIER, isReservedName } from './names.ts'

export { isIdentifier } from './names.ts'

/** The schema of a name of a topic, a prompt type or a parameter. `what` is used in the description, for example "Topic id". */
export function identifier(what: string) {
  return z
    .string()
    .regex(IDENTIFIER)
    .refine((text) => !isReservedName(text), {
      error: 'is a reserved name',
      params: { expected: 'another name' },
    })
    .describe(`${what}: 1–64 lower-case letters, digits and underscores.`)
}

export const TopicId = identifier('Topic id')
export const PromptType = identifier('Prompt type, for example system, user or assistant')

/** A free text for people: no control characters, nothing rewritten. */
export function plainText(min: number, max: number) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((text) => !/\p{Cc}/u.test(text), {
      error: 'holds a control character',
      params: { expected: 'text without control characters' },
    })
}

/** Like {@link plainText}, for texts of several lines: tabs and line breaks are allowed. */
export function plainLines(max: number) {
  return z
    .string()
    .max(max)
    .refine((text) => !/[^\P{Cc}\t\n\r]/u.test(text), {
      error: 'holds a control character',
      params: { expected: 'text without control characters' },
    })
}
