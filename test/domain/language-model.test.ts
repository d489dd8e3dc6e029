import { expect, it } from 'vitest'
import * as z from 'zod'
import { formatSchema, type ModelHint, withoutLengths } from '../../src/domain/language-model.ts'

const hints = z.registry<ModelHint>()

it('the schema of an answer has no keyword that a model may refuse, at any depth', () => {
  const Answer = z.strictObject({
    pattern: z
      .string()
      .regex(/\S/)
      .max(5)
      .register(hints, { description: 'A member with the name of a keyword.' }),
    items: z.array(z.strictObject({ count: z.int().min(1), note: z.string().optional() })).max(3),
    kind: z.enum(['a', 'b']),
  })
  expect(formatSchema(Answer, hints)).toEqual({
    type: 'object',
    properties: {
      pattern: { type: 'string', description: 'A member with the name of a keyword.' },
      items: {
        type: 'array',
        items: {
          type: 'object',
          properties: { count: { type: 'integer' }, note: { type: 'string' } },
          required: ['count'],
        },
      },
      kind: { type: 'string', enum: ['a', 'b'] },
    },
    required: ['pattern', 'items', 'kind'],
  })
})

it('hints for a model are not part of the schema for everyone else', () => {
  const Answer = z.string().register(hints, { description: 'Only for the model.' })
  expect(formatSchema(Answer, hints)).toEqual({ type: 'string', description: 'Only for the model.' })
  expect(z.toJSONSchema(Answer)).not.toHaveProperty('description')
})

it('the length of texts is told to models, unless one refuses it', () => {
  const Answer = z.strictObject({ texts: z.array(z.string().register(hints, { minLength: 1 })) })
  const schema = formatSchema(Answer, hints)
  const texts = (items: object) => ({ properties: { texts: { type: 'array', items } } })
  expect(schema).toMatchObject(texts({ type: 'string', minLength: 1 }))
  const format = { name: 'give', description: 'Gives.', schema }
  expect(withoutLengths(format)).toMatchObject({ name: 'give', schema: texts({ type: 'string' }) })
  expect(JSON.stringify(withoutLengths(format))).not.toContain('minLength')
})
