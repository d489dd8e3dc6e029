import { expect, test } from 'vitest'
import { dataOf, expectProblem, pathsOf, sharedApi } from '../../../helpers/api.ts'

const server = sharedApi()

const CREATE = 'POST /admin/kpi-system/templates'
const TEMPLATE = { kpiId: 'faulty', systemId: 'salesforce', displayName: 'Faulty' }

test('faults are named as the caller wrote the fields', async () => {
  const { admin } = server
  const parameter = (more: object) => ({ parameters: [{ name: 'date_range', dataType: 'string', ...more }] })
  const cases: [more: object, paths: string[]][] = [
    [parameter({ dataType: 'text' }), ['parameters.0.dataType']],
    [parameter({ dataType: 'number', defaultValue: 'x' }), ['parameters.0.defaultValue']],
    [parameter({ type: 'string' }), ['parameters.0.type']],
    [parameter({ default: 'x' }), ['parameters.0.default']],
    [parameter({ name: 'No!' }), ['parameters.0.name']],
    [parameter({ validation: { type: 'enum', enum_values: [] } }), ['parameters.0.validation.enum_values']],
    [{ modelConfig: { temperature: 'hot' } }, ['modelConfig.temperature']],
    [{ modelConfig: { maxTokens: 0 } }, ['modelConfig.maxTokens']],
    [{ modelConfig: { model: 7 } }, ['modelConfig.model']],
    [{ systemPrompt: 'a {{#open}}' }, ['systemPrompt']],
    [{ userPromptTemplate: 7 }, ['userPromptTemplate']],
    [{ displayName: '' }, ['displayName']],
    [{ externalConfigId: 7 }, ['externalConfigId']],
    [{ kpiId: 'No!' }, ['kpiId']],
    [{ kpiId: 'x'.repeat(60) }, ['kpiId']],
    [{ topic_name: 'x', config: {}, nonsense: 1 }, ['topic_name', 'config', 'nonsense']],
  ]
  for (const [more, paths] of cases) {
    const answer = await admin(CREATE, { body: { ...TEMPLATE, ...more } })
    expect({ more, status: answer.status, paths: [...new Set(pathsOf(answer.json))] }).toEqual({
      more,
      status: 400,
      paths,
    })
  }
  const broken = await admin(CREATE, {
    body: { ...TEMPLATE, systemPrompt: 'one\ntwo {{> partial}}' },
  })
  expectProblem(broken, 400, 'invalid_input', ['systemPrompt'])
  expect(broken.json.errors).toMatchObject([{ line: 2, column: 5 }])
  const wrongId = await admin('GET /integration/templates/No!')
  expectProblem(wrongId, 400, 'invalid_input', ['templateId'])
  expectProblem(await admin('GET /integration/templates/kpi_no_such'), 404, 'not_found')
})

test('names that objects inherit are names like any other', async () => {
  const { admin } = server
  const modelConfig = { constructor: 'a', toString: 'b', valueOf: { hasOwnProperty: 'c' } }
  const body = { kpiId: 'inherited', systemId: 'b', displayName: 'c', modelConfig }
  expect(dataOf(await admin(CREATE, { body }))).toMatchObject({ modelConfig })
  expect(dataOf(await admin('GET /admin/prompts/kpi_inherited_b'))).toMatchObject({ config: modelConfig })
})
