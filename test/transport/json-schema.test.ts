import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { operations } from '../../src/operations/table.ts'
import { portableSchema } from '../../src/transport/json-schema.ts'
import { listTools } from '../../src/transport/mcp/tools.ts'

const ALLOWED =
  /^(type|properties|required|items|enum|description|minimum|maximum|minLength|maxLength|minItems|maxItems|pattern|additionalProperties)$/

/** Every schema within a schema, itself included. */
function* schemasIn(schema: Record<string, unknown>): Generator<Record<string, unknown>> {
  yield schema
  const { properties = {}, items, additionalProperties } = schema
  for (const one of [...Object.values(properties as object), items, additionalProperties]) {
    if (typeof one === 'object' && one !== null) yield* schemasIn(one as Record<string, unknown>)
  }
}

const { tools: listed } = listTools({ kind: 'local', subject: 'ada', role: 'admin' })

describe.each(listed)('the tool $name', (tool) => {
  it.each(['inputSchema', 'outputSchema'] as const)(
    '%s keeps to keywords that every provider takes',
    (which) => {
      const schemas = [...schemasIn(tool[which] as Record<string, unknown>)]
      expect(schemas.length).toBeGreaterThan(1)
      for (const schema of schemas) {
        for (const keyword of Object.keys(schema)) expect(keyword).toMatch(ALLOWED)
        if ('type' in schema) expect(schema['type']).toBeTypeOf('string')
      }
    },
  )
})

it('every tool is looked at', () => {
  const tools = operations.filter(({ tool }) => tool)
  expect(listed).toHaveLength(tools.length)
})

describe('a portable schema', () => {
  it('says defaults in words, single values as a list, and the least value as one that counts', () => {
    const schema = z.strictObject({
      limit: z.int().positive().max(500).default(100).describe('Most topics.'),
      kind: z.literal('enum'),
      text: z.string().nullable().describe('null clears it.'),
    })
    expect(portableSchema(schema, 'input')).toEqual({
      type: 'object',
      properties: {
        limit: { type: 'integer', minimum: 1, maximum: 500, description: 'Most topics. Default: 100.' },
        kind: { type: 'string', enum: ['enum'] },
        text: { type: 'string', description: 'null clears it.' },
      },
      required: ['kind', 'text'],
      additionalProperties: false,
    })
  })

  it('makes one object of alternatives, with everything that one of them may hold', () => {
    const rule = z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('range'), min: z.number().optional() }),
      z.strictObject({ type: z.literal('length'), min: z.int().nonnegative().optional() }),
      z.strictObject({ type: z.literal('pattern'), pattern: z.string() }),
    ])
    expect(portableSchema(z.object({ rule }), 'input').properties?.['rule']).toEqual({
      type: 'object',
      properties: {
        type: { type: 'string', enum: ['range', 'length', 'pattern'] },
        min: { type: 'number' },
        pattern: { type: 'string' },
      },
      required: ['type'],
      additionalProperties: false,
    })
  })
})
