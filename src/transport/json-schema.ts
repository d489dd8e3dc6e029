import * as z from 'zod'

/** Keywords that the function calling of all large model providers takes. Others make some refuse the whole request. */
const PORTABLE = new Set([
  'type',
  'properties',
  'required',
  'items',
  'enum',
  'description',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'pattern',
  'additionalProperties',
])

type JsonSchema = z.core.JSONSchema.BaseSchema

/**
 * The JSON Schema of a tool's input or output in portable keywords. What they cannot say is said in words (defaults) or
 * left to the pipeline, which checks every input by the schema itself.
 *
 * @example portableSchema(z.object({ limit: z.int().positive().default(100) }), 'input')
 * // { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: …, description: 'Default: 100.' } }, … }
 */
export function portableSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return portable(z.toJSONSchema(schema, { io, unrepresentable: 'any' }))
}

function portable(schema: JsonSchema): JsonSchema {
  const { anyOf, oneOf, const: constant, exclusiveMinimum, default: standard, properties, ...rest } = schema
  const alternatives = (anyOf ?? oneOf)?.filter((one) => (one as JsonSchema).type !== 'null') as
    | JsonSchema[]
    | undefined
  if (alternatives) return portable({ ...alternatives.reduce(merged), ...rest })
  const { items, additionalProperties } = rest
  const said: JsonSchema = {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, portable(one as JsonSchema)]),
      ),
    }),
    ...(isSchema(items) && { items: portable(items) }),
    ...(isSchema(additionalProperties) && { additionalProperties: portable(additionalProperties) }),
    ...(Array.isArray(rest.type) && { type: rest.type.find((type) => type !== 'null') }),
    ...(constant !== undefined && { enum: [constant as string] }),
    ...(exclusiveMinimum !== undefined && { minimum: Number(exclusiveMinimum) + 1 }),
    ...(standard !== undefined && { description: withDefault(rest.description, standard) }),
  }
  return Object.fromEntries(Object.entries(said).filter(([keyword]) => PORTABLE.has(keyword)))
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What either of two objects may be: all their properties, of which those of both are required. */
function merged(one: JsonSchema, other: JsonSchema): JsonSchema {
  const mine = (one.properties ?? {}) as Record<string, JsonSchema>
  const theirs = (other.properties ?? {}) as Record<string, JsonSchema>
  const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])]
  const properties = names.map((name) => [name, mergedProperty(mine[name], theirs[name])])
  return {
    ...one,
    properties: Object.fromEntries(properties),
    required: (one.required ?? []).filter((name) => other.required?.includes(name)),
  }
}

function mergedProperty(one: JsonSchema | undefined, other: JsonSchema | undefined): JsonSchema {
  if (!one || !other) return (one ?? other) as JsonSchema
  const values = [one, other].flatMap(
    (schema) => schema.enum ?? (schema.const === undefined ? [] : [schema.const]),
  )
  if (values.length > 0) return { type: one.type as 'string', enum: [...new Set(values)] }
  return one.type === other.type ? one : { type: 'number' }
}

/** Said in words: code generators take a member with a default for one that must be there. */
export function withDefault(description: string | undefined, standard: unknown): string {
  const sentence = `Default: ${JSON.stringify(standard)}.`
  return description === undefined ? sentence : `${description} ${sentence}`
}
