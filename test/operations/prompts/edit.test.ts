import { describe, expect, it } from 'vitest'
import * as edits from '../../../src/operations/prompts/edit.ts'
import * as reviews from '../../../src/operations/prompts/review.ts'
import { createTopic, deleteTopic } from '../../../src/operations/topics/edit.ts'
import { failureOf } from '../../helpers/errors.ts'
import { caller } from '../../helpers/operations.ts'
import { openServices } from '../../helpers/services.ts'

const USER = { topic_id: 'churn', prompt_type: 'user' }

async function setUp() {
  const services = await openServices()
  const call = caller(services)
  await call(createTopic, {
    topic_id: 'churn',
    topic_name: 'Churn',
    topic_type: 'kpi_system',
    category: 'kpi',
    allowed_parameters: [{ name: 'rate', type: 'number', required: true }],
    prompts: { user: 'One {{rate}}' },
  })
  return { services, call }
}

describe('editing', () => {
  it('publishes a new revision, and none for the text that is there', async () => {
    const { call } = await setUp()
    const { data } = await call(edits.updatePrompt, {
      ...USER,
      content: 'Two {{rate}}',
      expected_revision: 1,
    })
    expect(data).toMatchObject({ ...USER, content: 'Two {{rate}}', revision: 2, updated_by: 'test' })
    expect((await call(edits.updatePrompt, { ...USER, content: 'Two {{rate}}' })).data.revision).toBe(2)
    expect((await call(reviews.getPrompt, USER)).data.content).toBe('Two {{rate}}')
  })

  it('keeps the note of each text, which the text after it does not have', async () => {
    const { call } = await setUp()
    await call(edits.createPrompt, { ...USER, prompt_type: 'system', content: 'One', note: 'a first one' })
    const SYSTEM = { ...USER, prompt_type: 'system' }
    const updated = await call(edits.updatePrompt, {
      ...SYSTEM,
      content: 'Two',
      note: 'clearer\nand shorter',
    })
    expect(updated.data.note).toBe('clearer\nand shorter')
    expect((await call(edits.updatePrompt, { ...SYSTEM, content: 'Three' })).data).not.toHaveProperty('note')
    await call(edits.restorePrompt, { ...SYSTEM, version_id: '1', note: 'three was worse' })
    // What changes nothing is no version, and so has no note.
    await call(edits.updatePrompt, { ...SYSTEM, content: 'One', note: 'nothing' })
    const { data } = await call(reviews.promptHistory, SYSTEM)
    expect(data.map(({ note }) => note)).toEqual([
      'three was worse',
      undefined,
      'clearer\nand shorter',
      'a first one',
    ])
    expect((await call(reviews.getPrompt, { ...SYSTEM, version_id: '2' })).data.note).toBe(
      'clearer\nand shorter',
    )
    expect((await call(reviews.getPrompt, SYSTEM)).data.note).toBe('three was worse')
  })

  it.each(['x'.repeat(501), 'a\u0000b', 7])('refuses a note that is none', async (note) => {
    const { call } = await setUp()
    const input = { ...USER, content: 'Two {{rate}}', note } as Parameters<typeof call>[1]
    const { code, errors } = await failureOf(() => call(edits.updatePrompt, input))
    expect({ code, paths: errors?.map(({ path }) => path) }).toEqual({
      code: 'invalid_input',
      paths: ['note'],
    })
  })

  it('names every fault of a text by its place', async () => {
    const { call } = await setUp()
    const error = await failureOf(() => call(edits.updatePrompt, { ...USER, content: 'x\n{{a}} {{> b}}' }))
    expect(error.errors?.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['content', 2, 1],
      ['content', 2, 7],
    ])
    expect((await call(reviews.getPrompt, USER)).data.content).toBe('One {{rate}}')
  })

  it('from an older revision is refused with the text that won', async () => {
    const { call } = await setUp()
    await call(edits.updatePrompt, { ...USER, content: 'Two {{rate}}' })
    const late = { ...USER, content: 'Late {{rate}}', expected_revision: 1 }
    const error = await failureOf(() => call(edits.updatePrompt, late))
    expect(error.code).toBe('conflict')
    expect(error.current).toMatchObject({ revision: 2, content: 'Two {{rate}}', updated_by: 'test' })
  })

  it('of two prompts of one topic never conflicts', async () => {
    const { call } = await setUp()
    const types = Array.from({ length: 10 }, (_, index) => `type_${index}`)
    await Promise.all(
      types.map((prompt_type) => call(edits.createPrompt, { ...USER, prompt_type, content: prompt_type })),
    )
    for (const prompt_type of types) {
      expect((await call(reviews.getPrompt, { ...USER, prompt_type })).data.content).toBe(prompt_type)
    }
  })

  it('lets exactly one of many edits from the same revision win', async () => {
    const { call } = await setUp()
    const attempts = Array.from({ length: 20 }, (_, index) =>
      call(edits.updatePrompt, { ...USER, content: `Edit ${index} {{rate}}`, expected_revision: 1 }).then(
        () => 'won',
        (error) => error.code,
      ),
    )
    const outcomes = await Promise.all(attempts)
    expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(19)
    expect((await call(reviews.getPrompt, USER)).data.revision).toBe(2)
  })

  it('refuses what is there, what is not, and deleted topics', async () => {
    const { call } = await setUp()
    const codeOf = async (work: () => unknown) => (await failureOf(work)).code
    expect(await codeOf(() => call(edits.createPrompt, { ...USER, content: 'x' }))).toBe('conflict')
    const none = { ...USER, prompt_type: 'none' }
    expect(await codeOf(() => call(edits.updatePrompt, { ...none, content: 'x' }))).toBe('not_found')
    expect(await codeOf(() => call(edits.deletePrompt, none))).toBe('not_found')
    expect(await codeOf(() => call(reviews.promptHistory, none))).toBe('not_found')
    await call(deleteTopic, { topic_id: 'churn' })
    expect(await codeOf(() => call(edits.updatePrompt, { ...USER, content: 'x' }))).toBe('conflict')
  })
})

describe('history', () => {
  it('is newest first, paged, and survives deletion; restoring re-creates', async () => {
    const { call } = await setUp()
    await call(edits.updatePrompt, { ...USER, content: 'Two {{rate}}' })
    await call(edits.deletePrompt, USER)
    const { data } = await call(reviews.promptHistory, USER)
    expect(data.map(({ revision, current }) => [revision, current])).toEqual([
      [2, false],
      [1, false],
    ])
    const restored = await call(edits.restorePrompt, { ...USER, version_id: String(data[1]?.version_id) })
    expect(restored.data).toMatchObject({ content: 'One {{rate}}', revision: 3 })
    const first = await call(reviews.promptHistory, { ...USER, limit: 2 })
    expect(first.data.map(({ revision, current }) => [revision, current])).toEqual([
      [3, true],
      [2, false],
    ])
    const second = await call(reviews.promptHistory, { ...USER, limit: 2, cursor: first.meta?.next_cursor })
    expect(second.data.map(({ revision }) => revision)).toEqual([1])
    expect((await call(reviews.getPrompt, { ...USER, version_id: '2' })).data.content).toBe('Two {{rate}}')
  })
})

describe('preview', () => {
  it('checks as saving would, renders, and saves nothing', async () => {
    const { call } = await setUp()
    const good = { ...USER, content: 'Rate {{rate}}', parameters: { rate: 5 } }
    expect((await call(reviews.previewPrompt, good)).data).toEqual({
      valid: true,
      errors: [],
      warnings: [],
      rendered: 'Rate 5',
    })
    const bad = (await call(reviews.previewPrompt, { ...USER, content: '{{x}}' })).data
    expect([bad.valid, bad.errors[0]?.path, bad.errors[0]?.column]).toEqual([false, 'content', 1])
    const wrong = (await call(reviews.previewPrompt, { ...good, parameters: { rate: 'five' } })).data
    expect([wrong.valid, wrong.errors[0]?.path]).toEqual([false, 'parameters.rate'])
    const huge = (await call(reviews.previewPrompt, { ...USER, content: 'x'.repeat(60_000) })).data
    expect([huge.valid, huge.errors[0]?.path]).toEqual([false, 'content'])
    expect((await call(reviews.getPrompt, USER)).data.revision).toBe(1)
  })
})
