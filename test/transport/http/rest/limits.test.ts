import { expect, test } from 'vitest'
import { type ApiAnswer, api, expectProblem, startApi, tokenOf } from '../../../helpers/api.ts'
import { earlyInMinute } from '../../../helpers/minute.ts'

const BATCH = { body: { topic_ids: ['goals'] } }

function allowanceOf({ headers }: ApiAnswer) {
  const [, name = '', left = '', reset = ''] =
    /^"(\w+)";r=(\d+);t=(\d+)$/.exec(String(headers['ratelimit'])) ?? []
  return { policy: headers['ratelimit-policy'], name, left: Number(left), reset: Number(reset) }
}

test('every answer says what is left, and a spent allowance says when to try again', async () => {
  const { service, admin } = await startApi({
    PROMPTS_LIMIT_RETRIEVAL: '3',
    PROMPTS_LIMIT_BATCH: '2',
    PROMPTS_LIMIT_ADMIN: '4',
  })
  await earlyInMinute()
  for (const [ask, line, options, limit, calls] of [
    [service, 'GET /prompts/goals', {}, 'retrieval', 3],
    [service, 'POST /prompts/batch', BATCH, 'batch', 2],
    [admin, 'GET /admin/prompts/goals', {}, 'admin', 4],
  ] as const) {
    for (let left = calls - 1; left >= 0; left--) {
      const answer = await ask(line, options)
      expect({ status: answer.status, ...allowanceOf(answer) }).toEqual({
        status: 200,
        policy: `"${limit}";q=${calls};w=60`,
        name: limit,
        left,
        reset: expect.any(Number),
      })
    }
    const refused = await ask(line, options)
    expectProblem(refused, 429, 'rate_limited')
    expect(allowanceOf(refused)).toMatchObject({ policy: `"${limit}";q=${calls};w=60`, name: limit, left: 0 })
    const wait = Number(refused.headers['retry-after'])
    expect(wait).toBeGreaterThanOrEqual(1)
    expect(wait).toBeLessThanOrEqual(60)
    expect(allowanceOf(refused).reset).toBe(wait)
  }
})

test('limits are separate for each caller, and a refused or failed call counts too', async () => {
  const server = await startApi({ PROMPTS_LIMIT_RETRIEVAL: '3' })
  const { service, settings } = server
  const other = await tokenOf(settings, 'service', 'somebody')
  await earlyInMinute()
  expectProblem(await service('GET /prompts/no_such_topic'), 404, 'not_found')
  expectProblem(await service('GET /prompts/No!'), 400, 'invalid_input')
  const render = { body: { parameters: {} } }
  expectProblem(await service('POST /prompts/goals/render', render), 400, 'invalid_input')
  expectProblem(await service('GET /prompts/goals'), 429, 'rate_limited')
  for (const path of ['/prompts/goals', '/prompts', '/integration/templates/goals']) {
    const answer = await api(server, `GET ${path}`, { token: other })
    expect({ path, status: answer.status, ...allowanceOf(answer) }).toMatchObject({
      status: 200,
      name: 'retrieval',
    })
  }
  expectProblem(await api(server, 'GET /prompts', { token: other }), 429, 'rate_limited')
  expect((await service('POST /prompts/batch', BATCH)).status).toBe(200)
})

test('HEAD and 304 count like GET', async () => {
  const { service } = await startApi({ PROMPTS_LIMIT_RETRIEVAL: '2' })
  await earlyInMinute()
  expect((await service('HEAD /prompts/goals')).status).toBe(200)
  const kept = await service('GET /prompts/goals', { headers: { 'if-none-match': '*' } })
  expect({ status: kept.status, ...allowanceOf(kept) }).toMatchObject({ status: 304, left: 0 })
  expect((await service('GET /prompts/goals')).status).toBe(429)
})
