import * as z from 'zod'

/** A secret in JSON. A final line break is not part of it: editors and shells add one, and no HTTP header can hold it. */
export const SecretText = z
  .string()
  .transform((text) => text.replace(/\r?\n$/, ''))
  .pipe(z.string().min(1))

/** The JSON object in a text; `undefined` if it is none. The parser's error is left out: it quotes the text. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
