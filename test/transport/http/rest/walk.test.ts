import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ApiServer, dataOf, startApi } from '../../../helpers/api.ts'
import { seedText } from '../../../helpers/data-folder.ts'
import { tempFolder } from '../../../helpers/folders.ts'
import { PACKAGE_ROOT } from '../../../helpers/program.ts'

// Requests and answers as the design document prints them. The folder holds two of the seeded topics alone, so that
// `revenue_salesforce`, which the document creates, is free.

/** "Create New KPI Topic", admin workflow. */
const KPI_TOPIC = {
  topic_id: 'revenue_salesforce',
  topic_name: 'Revenue Growth - Salesforce',
  topic_type: 'kpi_system',
  category: 'kpi',
  allowed_parameters: [
    { name: 'kpi_value', type: 'number', required: true },
    { name: 'threshold', type: 'number', required: true },
  ],
}
/** "Request Example" of `POST /admin/prompts`, API design. */
const KPI_TOPIC_OF_API = {
  ...KPI_TOPIC,
  allowed_parameters: [{ name: 'kpi_value', type: 'number', required: true }],
}
const SYSTEM = { content: 'You are an AI analyzing revenue KPI...' }
const USER = { content: 'Analyze revenue showing {{kpi_value}}...' }
const UPDATED = { content: 'Updated system prompt...' }

async function start(): Promise<ApiServer> {
  const folder = await tempFolder()
  for (const topic_id of ['core_values', 'purpose']) {
    for (const path of [`topics/${topic_id}.json`, `prompts/${topic_id}`]) {
      await cp(join(PACKAGE_ROOT, 'seeds', path), join(folder, path), { recursive: true })
    }
  }
  return startApi({ PROMPTS_DATA_DIR: folder })
}

test('coaching topics are listed with what they hold, without their texts', async () => {
  const { admin } = await start()
  const answer = await admin('GET /admin/prompts?topic_type=conversation_coaching')
  const [first, ...others] = dataOf<Record<string, unknown>[]>(answer)
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  expect(first).toMatchObject({
    topic_id: 'core_values',
    topic_name: 'Core Values',
    topic_type: 'conversation_coaching',
    category: 'coaching',
    available_prompts: ['system', 'user'],
    allowed_parameters: expect.arrayContaining([
      expect.objectContaining({ name: 'user_name', type: 'string', required: true }),
      expect.objectContaining({ name: 'conversation_history', type: 'array', required: false }),
    ]),
    is_active: true,
  })
  expect(others.map(({ topic_id }) => topic_id)).toEqual(['purpose'])
  expect(answer.text).not.toContain(seedText('core_values', 'system').slice(0, 40))
  expect((await admin('GET /admin/prompts?topic_type=kpi_system')).json).toEqual({ data: [] })
})

test('a prompt is got for editing and updated, in the files too', async () => {
  const { admin, folder } = await start()
  const read = await admin('GET /admin/prompts/core_values/system')
  expect({ status: read.status, data: read.json.data }).toMatchObject({
    status: 200,
    data: {
      topic_id: 'core_values',
      prompt_type: 'system',
      content: seedText('core_values', 'system'),
      allowed_parameters: expect.arrayContaining([expect.objectContaining({ name: 'user_name' })]),
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_by: expect.any(String),
    },
  })
  const written = await admin('PUT /admin/prompts/core_values/system', { body: UPDATED })
  expect({ status: written.status, data: written.json.data }).toMatchObject({
    status: 200,
    data: {
      topic_id: 'core_values',
      prompt_type: 'system',
      ...UPDATED,
      updated_by: 'admin@purposepath.ai',
      revision: 2,
    },
  })
  expect(await readFile(join(folder, 'prompts/core_values/system.md'), 'utf8')).toBe(UPDATED.content)
  const again = await admin('GET /admin/prompts/core_values/system')
  expect(again.json).toEqual({ data: written.json.data, meta: { revision: 2 } })
})

test('a KPI topic is created, gets its prompts, and is fetched with an API key', async () => {
  const { admin, service } = await start()
  const created = await admin('POST /admin/prompts', { body: KPI_TOPIC })
  expect({ status: created.status, location: created.headers.location }).toEqual({
    status: 201,
    location: '/api/v1/admin/prompts/revenue_salesforce',
  })
  expect(created.json.data).toMatchObject({
    topic_id: 'revenue_salesforce',
    topic_name: 'Revenue Growth - Salesforce',
    message: 'Topic created. Now create prompts for this topic.',
  })
  for (const [type, body] of [
    ['system', SYSTEM],
    ['user', USER],
  ] as const) {
    const prompt = await admin(`POST /admin/prompts/revenue_salesforce/${type}`, { body })
    expect({
      status: prompt.status,
      location: prompt.headers.location,
      data: prompt.json.data,
    }).toMatchObject({
      status: 201,
      location: `/api/v1/admin/prompts/revenue_salesforce/${type}`,
      data: { topic_id: 'revenue_salesforce', prompt_type: type, ...body },
    })
  }
  const prompts = { system: SYSTEM.content, user: USER.content }
  const fetched = await service('GET /prompts/revenue_salesforce')
  expect({ status: fetched.status, data: fetched.json.data }).toEqual({
    status: 200,
    data: { topic_id: 'revenue_salesforce', prompts },
  })

  const topic_ids = ['core_values', 'purpose', 'revenue_salesforce']
  const batch = await service('POST /prompts/batch', { body: { topic_ids } })
  const textsOf = (id: string) => ({ system: seedText(id, 'system'), user: seedText(id, 'user') })
  expect({ status: batch.status, json: batch.json }).toEqual({
    status: 200,
    json: {
      data: {
        core_values: { prompts: textsOf('core_values') },
        purpose: { prompts: textsOf('purpose') },
        revenue_salesforce: { prompts },
      },
    },
  })
  const partly = await service('POST /prompts/batch', {
    body: { topic_ids: ['revenue_salesforce', 'churn_hubspot'] },
  })
  expect({ status: partly.status, json: partly.json }).toEqual({
    status: 200,
    json: {
      data: { revenue_salesforce: { prompts } },
      errors: { churn_hubspot: { code: 'not_found', detail: expect.any(String) } },
    },
  })
})

test('a topic is created, updated and loses a prompt as the API section says', async () => {
  const { admin, service } = await start()
  expect((await admin('POST /admin/prompts', { body: KPI_TOPIC_OF_API })).status).toBe(201)
  expect((await admin('POST /admin/prompts/revenue_salesforce/system', { body: SYSTEM })).status).toBe(201)
  const updated = await admin('PUT /admin/prompts/revenue_salesforce/system', { body: UPDATED })
  expect(updated.json.data).toMatchObject(UPDATED)
  const topic = await admin('PUT /admin/prompts/revenue_salesforce', { body: { topic_name: 'Revenue' } })
  expect(topic.json.data).toMatchObject({
    ...KPI_TOPIC_OF_API,
    topic_name: 'Revenue',
    available_prompts: ['system'],
  })
  const deleted = await admin('DELETE /admin/prompts/revenue_salesforce/system')
  expect({ status: deleted.status, data: deleted.json.data }).toEqual({
    status: 200,
    data: { topic_id: 'revenue_salesforce', prompt_type: 'system', message: expect.any(String) },
  })
  expect((await service('GET /prompts/revenue_salesforce')).json.data).toEqual({
    topic_id: 'revenue_salesforce',
    prompts: {},
  })
  const gone = await admin('DELETE /admin/prompts/revenue_salesforce')
  expect({ status: gone.status, data: gone.json.data }).toEqual({
    status: 200,
    data: { topic_id: 'revenue_salesforce', message: expect.any(String) },
  })
})
