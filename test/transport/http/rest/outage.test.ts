import { rename } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type ApiServer, expectProblem, startApi } from '../../../helpers/api.ts'
import { waitFor } from '../../../helpers/program.ts'

/** Takes the store away for the time of `work`. */
async function without({ folder }: ApiServer, work: () => Promise<void>): Promise<void> {
  await rename(folder, `${folder}-away`)
  try {
    await work()
  } finally {
    await rename(`${folder}-away`, folder)
  }
}

test('while the store is away, known prompts are served and marked, and writes fail', async () => {
  const server = await startApi()
  const { admin, service } = server
  expect((await admin('GET /admin/prompts/goals')).status).toBe(200)
  const fresh = await service('GET /prompts/goals')
  const cached = await service('GET /prompts/vision')
  await without(server, async () => {
    const stale = await waitFor(async () => {
      const answer = await service('GET /prompts/goals')
      return answer.headers['prompts-stale'] ? answer : undefined
    })
    expect({ status: stale.status, stale: stale.headers['prompts-stale'], json: stale.json }).toEqual({
      status: 200,
      stale: 'true',
      json: { data: fresh.json.data, meta: { revision: 1, stale: true, as_of: expect.stringMatching(/Z$/) } },
    })
    const held = { headers: { 'if-none-match': cached.headers.etag ?? '' } }
    for (const line of ['GET /prompts/vision', 'GET /prompts', 'GET /integration/templates/vision']) {
      const answer = await service(line, held)
      expect({ line, status: answer.status, stale: answer.headers['prompts-stale'] }).toEqual({
        line,
        status: 200,
        stale: 'true',
      })
    }
    const batch = await service('POST /prompts/batch', { body: { topic_ids: ['goals'] } })
    expect([batch.status, batch.headers['prompts-stale']]).toEqual([200, 'true'])
    for (const [line, body] of [
      ['PUT /admin/prompts/goals/system', { content: 'x' }],
      ['DELETE /admin/prompts/goals/system', undefined],
      ['PUT /admin/prompts/goals', { is_active: false }],
      ['POST /admin/prompts', { topic_id: 'a', topic_name: 'a', topic_type: 'kpi_system', category: 'kpi' }],
    ] as const) {
      expectProblem(await admin(line, body === undefined ? {} : { body }), 503, 'unavailable')
    }
  })
  await waitFor(async () => !(await service('GET /prompts/goals')).headers['prompts-stale'])
  expect((await service('GET /prompts/goals')).text).toBe(fresh.text)
  expect((await admin('PUT /admin/prompts/goals/system', { body: { content: 'x' } })).status).toBe(200)
})

test('a store that is away for too long makes reads unavailable, until it is back', async () => {
  const server = await startApi({ PROMPTS_STALE_IF_ERROR_MS: '200' })
  const { service } = server
  expect((await service('GET /prompts/goals')).status).toBe(200)
  await without(server, async () => {
    await waitFor(async () => (await service('GET /prompts/goals')).status === 503)
    const refused = await service('GET /prompts/goals')
    expectProblem(refused, 503, 'unavailable')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expectProblem(await service('GET /prompts'), 503, 'unavailable')
  })
  await waitFor(async () => (await service('GET /prompts/goals')).status === 200)
})

test('a credential that is first presented while the store is away is never called wrong', async () => {
  const server = await startApi()
  await without(server, async () => {
    const byKey = await server.service('GET /prompts/goals')
    const byToken = await server.admin('GET /admin/prompts/goals')
    for (const { status } of [byKey, byToken]) expect([200, 503]).toContain(status)
  })
})
