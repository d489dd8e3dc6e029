import { describe, expect, test } from 'vitest'
import { type ApiOptions, api, dataOf, expectProblem, sharedApi, tokenOf } from '../../../helpers/api.ts'
import { waitFor } from '../../../helpers/program.ts'

const server = sharedApi()

const CREATE = 'POST /admin/kpi-system/templates'

/** "Create KPI-System Template" of the design document's appendix A, as printed. */
const PRINTED = {
  kpiId: 'revenue_growth',
  systemId: 'salesforce',
  externalConfigId: 'kpi_sys_123',
  displayName: 'Revenue Growth Analysis for Salesforce',
  description: 'Analyzes revenue trends and anomalies',
  systemPrompt: 'You are an expert business analyst...',
  userPromptTemplate: 'Analyze {{kpi_name}} for {{date_range}}...',
  modelConfig: { provider: 'anthropic', model: 'claude-3-5-sonnet-20241022', temperature: 0.7 },
  parameters: [
    {
      name: 'date_range',
      dataType: 'string',
      required: true,
      validation: { type: 'enum', enum_values: ['last_7_days', 'last_30_days', 'last_90_days'] },
    },
  ],
}
const ID = 'kpi_revenue_growth_salesforce'
const KPI_NAME = { name: 'kpi_name', dataType: 'string', required: true }

describe('the examples of appendix A', () => {
  test('a template is created as printed, and what it does not declare is declared for it', async () => {
    const { admin } = server
    const created = await admin(CREATE, { body: PRINTED })
    expect({ status: created.status, location: created.headers.location }).toEqual({
      status: 201,
      location: `/api/v1/integration/templates/${ID}`,
    })
    expect(created.json).toMatchObject({
      success: true,
      data: {
        templateId: ID,
        templateType: 'kpi_system',
        version: '1.0.0',
        displayName: PRINTED.displayName,
        description: PRINTED.description,
        externalConfigId: PRINTED.externalConfigId,
        modelConfig: PRINTED.modelConfig,
        parameters: [...PRINTED.parameters, KPI_NAME],
      },
      meta: { warnings: [{ path: 'parameters', message: expect.stringContaining('"kpi_name"') }] },
    })
    expect(dataOf(await admin(`GET /admin/prompts/${ID}`))).toMatchObject({
      topic_id: ID,
      topic_name: PRINTED.displayName,
      topic_type: 'kpi_system',
      category: 'kpi',
      description: PRINTED.description,
      external_id: PRINTED.externalConfigId,
      config: { provider: 'anthropic', default_model: PRINTED.modelConfig.model, temperature: 0.7 },
      allowed_parameters: [
        { name: 'date_range', type: 'string', required: true, validation: PRINTED.parameters[0]?.validation },
        { name: 'kpi_name', type: 'string', required: true },
      ],
      available_prompts: ['system', 'user'],
    })
  })

  test('a template is got by the id that its creation answered', async () => {
    const { admin, service } = server
    const body = { ...PRINTED, kpiId: 'got' }
    const { templateId } = dataOf<{ templateId: string }>(await admin(CREATE, { body }))
    const texts = {
      templateId,
      version: '1.0.0',
      systemPrompt: PRINTED.systemPrompt,
      userPromptTemplate: PRINTED.userPromptTemplate,
    }
    const path = `/integration/templates/${templateId}`
    const full = await service(`GET ${path}?include_parameters=true`)
    expect({ status: full.status, json: full.json }).toEqual({
      status: 200,
      json: { success: true, data: { ...texts, parameters: [...PRINTED.parameters, KPI_NAME] } },
    })
    for (const query of ['', '?include_parameters=false']) {
      expect((await service(`GET ${path}${query}`)).json).toEqual({ success: true, data: texts })
    }
    expect(dataOf(await service(`GET /prompts/${templateId}`))).toMatchObject({
      prompts: { system: PRINTED.systemPrompt, user: PRINTED.userPromptTemplate },
    })
  })
})

test('defaults and types are translated both ways, for topics made elsewhere too', async () => {
  const { admin, service } = server
  const parameters = [
    { name: 'range', dataType: 'string', required: false, description: 'When', defaultValue: 'last_30_days' },
    { name: 'items', dataType: 'array', required: false, defaultValue: [{ type: 1, default: null }] },
    { name: 'top', dataType: 'number', required: true, validation: { type: 'range', min: 1 } },
  ]
  const modelConfig = { maxTokens: 100, model: 'm', custom: { maxTokens: 1, type: 'x' } }
  const userPromptTemplate = '{{range}} {{#items}}{{type}}{{/items}} {{top}}'
  const body = { kpiId: 'a', systemId: 'b', displayName: 'c', userPromptTemplate, modelConfig, parameters }
  const created = await admin(CREATE, { body })
  expect(created.json).toEqual({
    success: true,
    data: {
      templateId: 'kpi_a_b',
      templateType: 'kpi_system',
      version: '1.0.0',
      displayName: 'c',
      modelConfig,
      parameters,
    },
  })
  expect(dataOf(await admin('GET /admin/prompts/kpi_a_b'))).toMatchObject({
    config: { max_tokens: 100, default_model: 'm', custom: modelConfig.custom },
    allowed_parameters: [
      { name: 'range', type: 'string', required: false, description: 'When', default: 'last_30_days' },
      { name: 'items', type: 'array', required: false, default: [{ type: 1, default: null }] },
      { name: 'top', type: 'number', required: true, validation: { type: 'range', min: 1 } },
    ],
  })
  const got = await service('GET /integration/templates/kpi_a_b?include_parameters=true')
  expect(dataOf(got)).toEqual({ templateId: 'kpi_a_b', version: '1.0.0', userPromptTemplate, parameters })
  const other = await service('GET /integration/templates/revenue_salesforce?include_parameters=true')
  expect(dataOf(other)).toMatchObject({
    templateId: 'revenue_salesforce',
    parameters: expect.arrayContaining([expect.objectContaining({ name: 'kpi_value', dataType: 'number' })]),
  })
})

test('the version follows every edit, and so does the ETag', async () => {
  const { admin, service } = server
  const [body, id] = [{ ...PRINTED, kpiId: 'edited' }, 'kpi_edited_salesforce']
  dataOf(await admin(CREATE, { body }))
  const path = `GET /integration/templates/${id}`
  const first = await service(path)
  dataOf(await admin(`PUT /admin/prompts/${id}/system`, { body: { content: 'two' } }))
  dataOf(await admin(`PUT /admin/prompts/${id}`, { body: { description: 'three' } }))
  const held = { headers: { 'if-none-match': first.headers.etag ?? '' } }
  const third = await service(path, held)
  expect({ status: third.status, data: third.json.data }).toMatchObject({
    status: 200,
    data: { version: '3.0.0', systemPrompt: 'two' },
  })
  const kept = await service(path, { headers: { 'if-none-match': `W/${third.headers.etag}` } })
  expect([kept.status, kept.text]).toEqual([304, ''])
})

test('an id that is taken is a conflict, also when its topic is deleted', async () => {
  const { admin } = server
  const [body, id] = [{ ...PRINTED, kpiId: 'taken' }, 'kpi_taken_salesforce']
  dataOf(await admin(CREATE, { body }))
  expectProblem(await admin(CREATE, { body }), 409, 'conflict')
  const held = await admin(CREATE, { body, headers: { 'if-match': '"1"' } })
  expectProblem(held, 400, 'invalid_input', ['if-match'])
  dataOf(await admin(`DELETE /admin/prompts/${id}`))
  expectProblem(await admin(CREATE, { body }), 409, 'conflict')
})

test('only administrators create, services read, and the audit log names the topic', async () => {
  const { settings, key, token } = server
  const body = { ...PRINTED, kpiId: 'rights' }
  const topic_id = 'kpi_rights_salesforce'
  const [service, user] = [await tokenOf(settings, 'service'), await tokenOf(settings, 'user')]
  const get = `GET /integration/templates/${topic_id}`
  const calls: [line: string, options: ApiOptions, status: number, audited: object][] = [
    [CREATE, { key, body }, 403, { event: 'topics.create', role: 'service', outcome: 'forbidden' }],
    [CREATE, { token: service, body }, 403, { role: 'service', outcome: 'forbidden' }],
    [CREATE, { token: user, body }, 403, { role: 'user', outcome: 'forbidden' }],
    [CREATE, { token, body }, 201, { event: 'topics.create', role: 'admin', topic_id, outcome: 'ok' }],
    [CREATE, { token, body }, 409, { topic_id, outcome: 'conflict' }],
    [get, { key }, 200, { event: 'prompts.fetch', role: 'service', topic_id, outcome: 'ok' }],
    [get, { token: user }, 403, { event: 'prompts.fetch', role: 'user', topic_id, outcome: 'forbidden' }],
  ]
  for (const [line, options, status, audited] of calls) {
    const answer = await api(server, line, options)
    expect({ line, status: answer.status }).toEqual({ line, status })
    const id = String(answer.headers['x-request-id'])
    const logged = await waitFor(() =>
      server
        .stderr()
        .split('\n')
        .find((one) => one.includes(id) && !one.includes('"authenticate"') && one.endsWith('}')),
    )
    expect(JSON.parse(logged)).toMatchObject({ ...audited, request_id: id })
  }
})
