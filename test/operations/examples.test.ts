import { describe, expect, it } from 'vitest'
import { operations } from '../../src/operations/table.ts'

describe.each(operations.map((operation) => ({ name: operation.name, operation })))(
  'the example of $name',
  ({ operation: { input, output, example } }) => {
    it('is an input that the operation takes', () => {
      expect(example).toBeDefined()
      expect(input.safeParse(example?.input).error).toBeUndefined()
    })

    it('is an answer that the operation gives, with nothing that its schema does not know', () => {
      const { data, error } = output.safeParse(example?.data)
      expect(error).toBeUndefined()
      expect(data).toEqual(example?.data)
    })
  },
)
