import { expect, test } from 'vitest'
import { expectProblem, expectUnharmed, kpiTopic, pathsOf, sharedApi } from '../../../helpers/api.ts'
import { ask } from '../../../helpers/raw.ts'

const server = sharedApi()

type Case = [line: string, body: unknown, paths: string[]]

async function expectRefused(cases: Case[]): Promise<void> {
  const answers = await Promise.all(
    cases.map(async ([line, body]) => {
      const { status, json } = await server.admin(line, body === undefined ? {} : { body })
      return [line, body, status, json.code, [...new Set(pathsOf(json))]]
    }),
  )
  expect(answers).toEqual(cases.map(([line, body, paths]) => [line, body, 400, 'invalid_input', paths]))
}

const PROMPT = 'PUT /admin/prompts/goals/system'
const TOPIC = 'PUT /admin/prompts/goals'
const CREATE = 'POST /admin/prompts'
const EARLY = 'POST /admin/kpi-system/templates'
const template = (more: object) => ({ kpiId: 'a', systemId: 'b', displayName: 'c', ...more })
const parameter = (more: object) => ({ allowed_parameters: [{ name: 'a', type: 'string', ...more }] })

/** Requests that hold `text` in every place where a text may stand. */
function everyPlace(text: string): Case[] {
  return [
    [PROMPT, { content: `a${text}b` }, ['content']],
    ['POST /admin/prompts/goals/extra', { content: text }, ['content']],
    [TOPIC, { topic_name: `a${text}` }, ['topic_name']],
    [TOPIC, { description: `a${text}` }, ['description']],
    [TOPIC, { external_id: `a${text}` }, ['external_id']],
    [TOPIC, { category: `a${text}` }, ['category']],
    [TOPIC, parameter({ name: `a${text}` }), ['allowed_parameters.0.name']],
    [TOPIC, parameter({ description: `a${text}` }), ['allowed_parameters.0.description']],
    [CREATE, { ...kpiTopic('a'), topic_id: `a${text}` }, ['topic_id']],
    [CREATE, { ...kpiTopic('a'), topic_type: `a${text}` }, ['topic_type']],
    [CREATE, kpiTopic('a', { prompts: { system: text } }), ['prompts.system']],
    [EARLY, template({ kpiId: `a${text}` }), ['kpiId']],
    [EARLY, template({ displayName: `a${text}` }), ['displayName']],
    [EARLY, template({ systemPrompt: text }), ['systemPrompt']],
    [EARLY, template({ userPromptTemplate: text }), ['userPromptTemplate']],
  ]
}

test('NUL is refused wherever it stands, by the name of the field', async () => {
  await expectRefused(everyPlace('\u0000'))
  await expectUnharmed(server)
})

test('half a character is refused wherever it stands, by the name of the field', async () => {
  for (const half of ['\ud800', '\udc00']) {
    await expectRefused([
      ...everyPlace(half),
      [TOPIC, { config: { default_model: half } }, ['config.default_model']],
      [TOPIC, { config: { deep: [{ x: half }] } }, ['config.deep.0.x']],
      [TOPIC, { config: { [`a${half}`]: 1 } }, ['config.a\ufffd']],
      [TOPIC, parameter({ default: half }), ['allowed_parameters.0.default']],
      [
        TOPIC,
        parameter({ validation: { type: 'enum', enum_values: [half] } }),
        ['allowed_parameters.0.validation.enum_values.0'],
      ],
      [
        TOPIC,
        parameter({ validation: { type: 'pattern', pattern: half } }),
        ['allowed_parameters.0.validation.pattern'],
      ],
      ['POST /prompts/goals/render', { parameters: { user_name: half } }, ['parameters.user_name']],
      [
        'POST /prompts/goals/render',
        { parameters: { user_name: 'a', conversation_history: [{ [half]: 1 }] } },
        ['parameters.conversation_history.0.\ufffd'],
      ],
      ['POST /admin/prompts/goals/system/preview', { content: half }, ['content']],
      ['POST /admin/prompts/goals/system/restore', { version_id: half }, ['version_id']],
      [EARLY, template({ modelConfig: { x: half } }), ['modelConfig.x']],
      [
        EARLY,
        template({ parameters: [{ name: 'a', dataType: 'string', defaultValue: half }] }),
        ['parameters.0.defaultValue'],
      ],
    ])
  }
  const pair = { content: '\ud83d\ude00 {{user_name}}' }
  expect((await server.admin(PROMPT, { body: pair })).json.data).toMatchObject(pair)
  await expectUnharmed(server)
})

test('an id that plays tricks is no topic, however it is written', async () => {
  const tricks = ['..', '%2e%2e', '..%2f..%2fetc%2fpasswd', 'goals%2f..', '%00', 'goals%00', '%5c..%5c']
  const others = [
    'GOALS',
    'Goals',
    'goals%20',
    '%20goals',
    'goals%09',
    'goals.json',
    'goals%3Fx',
    '%F0%9F%98%80',
    'go-als',
  ]
  const reserved = ['__proto__', 'constructor', 'prototype', 'x'.repeat(65), 'x'.repeat(5_000)]
  for (const id of [...tricks, ...others, ...reserved]) {
    for (const [line, field] of [
      [`GET /prompts/${id}`, 'topic_id'],
      [`GET /admin/prompts/${id}`, 'topic_id'],
      [`DELETE /admin/prompts/${id}`, 'topic_id'],
      [`GET /admin/prompts/${id}/system`, 'topic_id'],
      [`GET /admin/prompts/goals/${id}`, 'prompt_type'],
      [`GET /admin/prompts/goals/${id}/history`, 'prompt_type'],
      [`DELETE /admin/prompts/goals/${id}`, 'prompt_type'],
      [`GET /integration/templates/${id}`, 'templateId'],
    ] as const) {
      const { status, json } = await server.admin(line)
      const shown = line.slice(0, 80)
      expect({ shown, status, paths: pathsOf(json) }).toEqual({ shown, status: 400, paths: [field] })
    }
    const put = await server.admin(`PUT /admin/prompts/goals/${id}`, { body: { content: 'x' } })
    expectProblem(put, 400, 'invalid_input', ['prompt_type'])
  }
  for (const id of ['%zz', '%', '%f', '%ff', '%ED%A0%80', '%c0%ae']) {
    for (const line of [`GET /prompts/${id}`, `GET /admin/prompts/goals/${id}`, `GET /${id}`]) {
      const answer = await server.admin(line)
      expect({ line, status: answer.status, type: answer.headers['content-type'] }).toEqual({
        line,
        status: 400,
        type: expect.stringMatching(/^application\/problem\+json/),
      })
    }
  }
  expect((await ask(`${server.url}/api/v1/prompts/../prompts/goals`)).status).not.toBe(200)
  expect((await server.admin('GET /prompts/%67oals')).status).toBe(200)
  await expectUnharmed(server)
})

test('unknown fields are refused by name, and fields of the path have no second place', async () => {
  const content = 'x'
  const before = await server.admin('GET /admin/prompts/goals')
  await expectRefused([
    [PROMPT, { content, nonsense: 1, Content: 'x' }, ['nonsense', 'Content']],
    [PROMPT, { content, topic_id: 'goals' }, ['topic_id']],
    [PROMPT, { content, prompt_type: 'user', topic_id: 'goals' }, ['prompt_type', 'topic_id']],
    [TOPIC, { topic_id: 'goals' }, ['topic_id']],
    [TOPIC, { topic_type: 'kpi_system' }, ['topic_type']],
    [TOPIC, { prompts: { system: 'x' } }, ['prompts']],
    [TOPIC, { revision: 1, updated_by: 'me' }, ['revision', 'updated_by']],
    [CREATE, kpiTopic('a', { expected_revision: 1 }), ['expected_revision']],
    [
      CREATE,
      kpiTopic('a', { allowed_parameters: [{ name: 'b', type: 'string', nonsense: 1 }] }),
      ['allowed_parameters.0.nonsense'],
    ],
    ['POST /prompts/goals/render', { parameters: {}, topic_id: 'goals' }, ['topic_id']],
    ['POST /admin/prompts/goals/extra', { content, expected_revision: 1 }, ['expected_revision']],
    [`${PROMPT}?content=x`, { content }, ['content']],
    [`${PROMPT}?expected_revision=1`, { content }, ['expected_revision']],
    ['POST /prompts/batch?topic_ids=goals', { topic_ids: ['goals'] }, ['topic_ids']],
    [`${CREATE}?dry_run=true`, kpiTopic('a'), ['dry_run']],
    [`${EARLY}?nonsense=1`, template({}), ['nonsense']],
    ['DELETE /admin/prompts/goals/system', { expected_revision: 1 }, ['expected_revision']],
    ['DELETE /admin/prompts/goals/system', { reason: 'x' }, ['reason']],
    ['DELETE /admin/prompts/goals?nonsense=1', undefined, ['nonsense']],
    ['DELETE /admin/prompts/goals?topic_id=vision', undefined, ['topic_id']],
    ['GET /admin/prompts/goals/system?nonsense=1', undefined, ['nonsense']],
    ['GET /integration/templates/goals?nonsense=1', undefined, ['nonsense']],
    ['GET /integration/templates/goals?topic_id=vision', undefined, ['topic_id']],
  ])
  expect((await server.admin('GET /admin/prompts/goals')).text).toBe(before.text)
  await expectUnharmed(server)
})

test('a body on a GET is not mistaken for a query', async () => {
  for (const line of ['GET /admin/prompts', 'GET /prompts/goals', 'GET /integration/templates/goals']) {
    const plain = await server.admin(line)
    for (const body of ['{"topic_id":"vision","q":"vision"}', 'nonsense']) {
      const answer = await server.admin(line, { body })
      if (answer.status === 200) expect(answer.text).toBe(plain.text)
      else expectProblem(answer, 400, 'invalid_input')
    }
  }
  await expectUnharmed(server)
})
