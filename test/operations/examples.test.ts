import { describe, expect, it } from 'vitest'
import { examples } from '../../src/operations/examples.ts'
import { operations } from '../../src/operations/table.ts'

it('there is one example of each operation, and none of anything else', () => {
  expect(Object.keys(examples).sort()).toEqual(operations.map(({ name }) => name).sort())
})

describe.each(operations.map((operation) => ({ name: operation.name, operation })))(
  'the example of $name',
  ({ name, operation }) => {
    it('is an input that the operation takes', () => {
      expect(operation.input.safeParse(examples[name]?.input).error).toBeUndefined()
    })

    it('is an answer that the operation gives, with nothing that its schema does not know', () => {
      const { data, error } = operation.output.safeParse(examples[name]?.data)
      expect(error).toBeUndefined()
      expect(data).toEqual(examples[name]?.data)
    })
  },
)
