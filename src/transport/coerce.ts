import * as z from 'zod'

/** `text` is a string that may be null. */
type FieldType = 'string' | 'text' | 'number' | 'boolean' | 'json'

/**
 * What the text of a query or an argument means for a field of this type. A text that cannot be read stays as it is,
 * and validation names the field.
 */
export function coerce(type: FieldType, text: string): unknown {
  if (type === 'string') return text
  if (type === 'text') return text === 'null' ? null : text
  try {
    const value: unknown = JSON.parse(text)
    const isScalar = typeof value === 'number' || typeof value === 'boolean'
    // JSON allows white space around a value; an address or an argument does not mean any.
    const isBare = text.trim() === text
    return type === 'json' || (isScalar && isBare && typeof value === type) ? value : text
  } catch {
    return text
  }
}

/** The kind of text that a field takes, from its JSON Schema. */
export function typeOf(field: z.ZodType): FieldType {
  const { type, anyOf = [] } = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' })
  const types = anyOf.map((one) => (one as { type?: string }).type)
  if (types.length === 2 && types.includes('string') && types.includes('null')) return 'text'
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'boolean' || type === 'string') return type
  return 'json'
}
