import { expect, test } from 'vitest'
import { type Input, type Surface, surfaces } from '../helpers/surfaces.ts'

/** Without what differs from run to run: times and authors. */
function comparable(answer: unknown): unknown {
  const text = JSON.stringify(answer)
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .replace(/"(updated_by|created_by)":"[^"]+"/g, '"$1":"SOMEBODY"')
    .replace(/TIME by [^" ]+/g, 'TIME by SOMEBODY')
  return JSON.parse(text)
}

const ID = { topic_id: 'churn_hubspot' }
const SYSTEM = { ...ID, prompt_type: 'system' }
const TOPIC = {
  ...ID,
  topic_name: 'Churn – HubSpot',
  topic_type: 'kpi_system',
  category: 'kpi',
  allowed_parameters: [
    { name: 'kpi_value', type: 'number', required: true },
    { name: 'unused', type: 'string', required: false, default: 'x' },
  ],
  config: { temperature: 0.5, vendor: { a: [1] } },
}
const UNDECLARED = 'first line\nuses {{kpi_value}} and {{nobody}}'

/** The walk of the design document, and after it what an editor does every day. */
const WALK: [name: string, input: Input][] = [
  ['topics.list', { topic_type: 'conversation_coaching' }],
  ['prompts.get', { topic_id: 'core_values', prompt_type: 'system' }],
  ['prompts.update', { topic_id: 'core_values', prompt_type: 'system', content: 'Updated system prompt...' }],
  ['topics.create', TOPIC],
  ['prompts.create', { ...SYSTEM, content: 'You are an AI analyzing churn...' }],
  ['prompts.create', { ...ID, prompt_type: 'user', content: 'Analyze {{kpi_value}}…\n' }],
  ['prompts.fetch', { ...ID, include_parameters: true }],
  ['prompts.batch', { topic_ids: ['core_values', 'churn_hubspot', 'nobody', 'No!'] }],
  ['prompts.render', { ...ID, parameters: { kpi_value: 7 } }],
  ['prompts.preview', { ...SYSTEM, content: UNDECLARED }],
  ['prompts.preview', { ...SYSTEM, content: 'is {{kpi_value}}', parameters: { kpi_value: 7 } }],
  ['prompts.update', { ...SYSTEM, content: 'two', expected_revision: 1 }],
  ['prompts.history', { ...SYSTEM, limit: 1 }],
  ['prompts.restore', { ...SYSTEM, version_id: '1' }],
  ['topics.update', { ...ID, description: 'Who leaves', is_active: true, display_order: 5 }],
  ['topics.get', ID],
  ['prompts.delete', SYSTEM],
  ['topics.list', { q: 'churn', limit: 1 }],
  ['topics.delete', ID],
  ['topics.list', { deleted: true }],
]

/** Calls that are refused, with the code and the faulty fields. */
const REFUSED: [name: string, input: Input, code: string, paths?: string[]][] = [
  ['topics.get', { topic_id: 'nobody' }, 'not_found'],
  ['prompts.fetch', { topic_id: 'nobody' }, 'not_found'],
  ['topics.create', TOPIC, 'conflict'],
  ['prompts.create', { ...SYSTEM, content: 'x' }, 'conflict'],
  ['prompts.update', { ...SYSTEM, content: UNDECLARED }, 'invalid_input', ['content']],
  ['topics.create', { ...TOPIC, topic_id: 'x', topic_type: 'single_shot' }, 'invalid_input', ['topic_type']],
  [
    'topics.create',
    { ...TOPIC, topic_id: 'x', prompts: { user: '{{nobody}}' } },
    'invalid_input',
    ['prompts.user'],
  ],
  ['topics.update', { ...ID, allowed_parameters: [] }, 'invalid_input', ['prompts.user']],
  ['prompts.update', { ...SYSTEM, content: 'mine', expected_revision: 1 }, 'conflict'],
  ['prompts.delete', { ...SYSTEM, expected_revision: 1 }, 'conflict'],
  ['topics.update', { ...ID, topic_name: 'mine', expected_revision: 1 }, 'conflict'],
  ['topics.delete', { ...ID, expected_revision: 1 }, 'conflict'],
  ['prompts.update', { ...ID, prompt_type: 'No!', content: 'x' }, 'invalid_input', ['prompt_type']],
  [
    'prompts.render',
    { ...ID, parameters: { kpi_value: 'x', more: 1 } },
    'invalid_input',
    ['parameters.kpi_value', 'parameters.more'],
  ],
  ['topics.list', { limit: 0 }, 'invalid_input', ['limit']],
  ['topics.list', { cursor: 'nonsense' }, 'invalid_input', ['cursor']],
  ['prompts.batch', { topic_ids: [] }, 'invalid_input', ['topic_ids']],
  ['prompts.restore', { ...SYSTEM, version_id: '99' }, 'not_found'],
  ['prompts.get', { ...SYSTEM, version_id: '../x' }, 'not_found'],
  ['prompts.update', { ...SYSTEM, content: 'x'.repeat(51_201) }, 'too_large'],
]

async function everywhere(all: Record<string, Surface>, name: string, input: Input): Promise<unknown> {
  const answers = await Promise.all(
    Object.entries(all).map(async ([surface, call]) => [surface, comparable(await call(name, input))]),
  )
  const [[, first] = []] = answers
  expect({ name, answers }).toEqual({ name, answers: answers.map(([surface]) => [surface, first]) })
  return first
}

test('the walk gives the same answers over REST, MCP and the command line', async () => {
  const all = await surfaces()
  for (const [name, input] of WALK) {
    const answer = await everywhere(all, name, input)
    expect({ name, answer }).toEqual({ name, answer: expect.objectContaining({ data: expect.anything() }) })
  }
})

test('refusals are the same problem documents over REST, MCP and the command line', async () => {
  const all = await surfaces()
  for (const [name, input] of WALK.slice(3, 6)) await everywhere(all, name, input)
  await everywhere(all, 'prompts.update', { ...SYSTEM, content: 'two' })
  for (const [name, input, code, paths] of REFUSED) {
    const problem = (await everywhere(all, name, input)) as { code: string; errors?: { path: string }[] }
    expect({ name, input, code: problem.code, paths: problem.errors?.map(({ path }) => path) }).toEqual({
      name,
      input,
      code,
      paths,
    })
    if (input['content'] === UNDECLARED) expect(problem.errors).toMatchObject([{ line: 2, column: 24 }])
    if (name.startsWith('prompts.') && code === 'conflict' && 'expected_revision' in input) {
      expect(problem).toHaveProperty('current', {
        revision: 2,
        content: 'two',
        updated_by: 'SOMEBODY',
        updated_at: 'TIME',
      })
    }
  }
})

test('unknown fields and missing ones are refused alike over REST and MCP', async () => {
  const { REST, MCP } = (await surfaces()) as Record<'REST' | 'MCP', Surface>
  for (const [name, input] of [
    ['prompts.update', { ...SYSTEM, topic_id: 'goals' }],
    ['prompts.update', { ...SYSTEM, topic_id: 'goals', content: 'x', nonsense: 1 }],
    ['topics.create', {}],
    ['topics.update', { topic_id: 'goals', topic_type: 'kpi_system', prompts: {} }],
    ['prompts.restore', { ...SYSTEM, topic_id: 'goals' }],
  ] as const) {
    const answer = comparable(await everywhere({ REST, MCP }, name, input))
    expect(answer).toMatchObject({ code: 'invalid_input', status: 400 })
  }
})
