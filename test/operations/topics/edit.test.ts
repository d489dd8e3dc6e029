import { describe, expect, it } from 'vitest'
import { createTopic, deleteTopic, updateTopic } from '../../../src/operations/topics/edit.ts'
import { listTopics } from '../../../src/operations/topics/read.ts'
import { failureOf } from '../../helpers/errors.ts'
import { caller } from '../../helpers/operations.ts'
import { openServices } from '../../helpers/services.ts'

const KPI = { topic_id: 'churn', topic_name: 'Churn', topic_type: 'kpi_system', category: 'kpi' }
const RATE = { name: 'rate', type: 'number', required: true }

async function setUp() {
  const services = await openServices()
  return { services, call: caller(services) }
}

describe('creating', () => {
  it('answers the record and what to do next', async () => {
    const { call } = await setUp()
    const { data, meta } = await call(createTopic, { ...KPI, allowed_parameters: [RATE] })
    expect(data).toMatchObject({
      ...KPI,
      revision: 1,
      is_active: true,
      display_order: 100,
      available_prompts: [],
      created_by: 'test',
      message: 'Topic created. Now create prompts for this topic.',
    })
    expect(meta).toEqual({
      revision: 1,
      warnings: [{ path: 'allowed_parameters.0', message: 'No prompt uses "rate".' }],
    })
  })

  it('with first prompts is all or nothing', async () => {
    const { call, services } = await setUp()
    const prompts = { system: 'Rate: {{rate}}', user: '{{nobody}} {{#x}}' }
    const error = await failureOf(() => call(createTopic, { ...KPI, allowed_parameters: [RATE], prompts }))
    expect(error.code).toBe('invalid_input')
    expect(error.errors?.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['prompts.user', 1, 1],
      ['prompts.user', 1, 12],
      ['prompts.user', 1, 12],
    ])
    expect(services.catalog.list()).toEqual([])
    await call(createTopic, { ...KPI, allowed_parameters: [RATE], prompts: { system: 'Rate: {{rate}}' } })
    expect(await services.catalog.texts(services.catalog.topic('churn'))).toEqual({
      system: 'Rate: {{rate}}',
    })
  })

  it('refuses types that are seeded, ids that are taken, and callers who may not', async () => {
    const { call } = await setUp()
    const coaching = await failureOf(() => call(createTopic, { ...KPI, topic_type: 'conversation_coaching' }))
    expect([coaching.code, coaching.errors?.[0]?.path]).toEqual(['invalid_input', 'topic_type'])
    await call(createTopic, KPI)
    expect((await failureOf(() => call(createTopic, KPI))).code).toBe('conflict')
    expect((await failureOf(() => call(createTopic, KPI, { role: 'service' }))).code).toBe('forbidden')
  })
})

describe('updating', () => {
  it('changes only what it carries, and null clears', async () => {
    const { call } = await setUp()
    await call(createTopic, { ...KPI, description: 'Old', external_id: 'e1', config: { temperature: 1 } })
    const { data } = await call(updateTopic, { topic_id: 'churn', description: null, display_order: 7 })
    expect(data).toMatchObject({
      ...KPI,
      display_order: 7,
      external_id: 'e1',
      config: { temperature: 1 },
      revision: 2,
    })
    expect(data).not.toHaveProperty('description')
  })

  it('refuses fields that never change', async () => {
    const { call } = await setUp()
    await call(createTopic, KPI)
    const changes = { topic_id: 'churn', topic_type: 'single_shot', prompts: {} }
    const error = await failureOf(() => call(updateTopic, changes))
    expect(error.errors?.map(({ path }) => path).sort()).toEqual(['prompts', 'topic_type'])
  })

  it('warns of dropped parameters, and refuses to drop one that a prompt uses', async () => {
    const { call } = await setUp()
    const spare = { name: 'spare', type: 'string' }
    const prompts = { user: '{{rate}}' }
    await call(createTopic, { ...KPI, allowed_parameters: [RATE, spare], prompts })
    const { meta } = await call(updateTopic, { topic_id: 'churn', allowed_parameters: [RATE] })
    expect(meta?.warnings).toEqual([
      { path: 'allowed_parameters', message: '"spare" is gone: callers that still send it are refused.' },
    ])
    const error = await failureOf(() => call(updateTopic, { topic_id: 'churn', allowed_parameters: [spare] }))
    expect(error.errors?.map(({ path }) => path)).toEqual(['prompts.user'])
  })

  it('from an older revision is a conflict', async () => {
    const { call } = await setUp()
    await call(createTopic, KPI)
    await call(updateTopic, { topic_id: 'churn', display_order: 1, expected_revision: 1 })
    const late = { topic_id: 'churn', display_order: 2, expected_revision: 1 }
    expect((await failureOf(() => call(updateTopic, late))).code).toBe('conflict')
  })
})

describe('deleting', () => {
  it('keeps id and texts, and is_active: true brings the topic back', async () => {
    const { call, services } = await setUp()
    await call(createTopic, { ...KPI, allowed_parameters: [RATE], prompts: { user: '{{rate}}' } })
    expect((await call(deleteTopic, { topic_id: 'churn' })).data).toEqual({
      topic_id: 'churn',
      message: 'Topic deleted.',
    })
    expect((await call(listTopics, {})).data).toEqual([])
    expect((await call(listTopics, { deleted: true })).data).toMatchObject([
      { topic_id: 'churn', is_active: false },
    ])
    expect((await failureOf(() => call(createTopic, KPI))).message).toContain('deleted')
    expect((await failureOf(() => call(updateTopic, { topic_id: 'churn', topic_name: 'X' }))).code).toBe(
      'conflict',
    )
    expect((await failureOf(() => call(deleteTopic, { topic_id: 'churn' }))).code).toBe('not_found')
    await call(updateTopic, { topic_id: 'churn', is_active: true })
    const revived = services.catalog.published('churn')
    expect([revived.revision, revived.deleted_at]).toEqual([3, undefined])
    expect(await services.catalog.texts(revived)).toEqual({ user: '{{rate}}' })
  })
})
