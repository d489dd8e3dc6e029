/** Names that objects have meanings of their own for. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])
export const IDENTIFIER = /^[a-z0-9_]{1,64}$/

export function isReservedName(text: string): boolean {
  return RESERVED.has(text)
}

/** Whether `text` may name a topic, a prompt type or a parameter. Apart from the schemas, so that a browser needs no Zod. */
export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text) && !isReservedName(text)
}
