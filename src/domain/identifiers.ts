import * as z from 'zod'

const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])
const IDENTIFIER = /^[a-z0-9_]{1,64}$/

/** Whether `text` may name a topic, a prompt type or a parameter (spec §1). */
export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text) && !RESERVED.has(text)
}

/** The schema of such a name. `what` is used in the description, for example "Topic id". */
export function identifier(what: string) {
  return z
    .string()
    .regex(IDENTIFIER)
    .refine((text) => !RESERVED.has(text), {
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
