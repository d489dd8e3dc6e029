import { expect, it } from 'vitest'
import { dataOf, expectProblem, sharedApi } from '../../../helpers/api.ts'
import { connect } from '../../../helpers/clients.ts'

const server = sharedApi()

interface Use {
  topic_id: string
  calls_24h: number
  last_called_at?: string
  last_caller?: string
  observed_since: string
}
const useOf = async (topic: string) => dataOf<Use>(await server.admin(`GET /admin/usage/${topic}`))

it('what is served is counted, on every way', async () => {
  const start = await useOf('goals')
  expect(start).toEqual({ topic_id: 'goals', calls_24h: 0, observed_since: expect.any(String) })
  await server.service('GET /prompts/goals')
  await server.service('GET /prompts/goals?include_parameters=true')
  await server.service('POST /prompts/goals/render', { body: { parameters: { user_name: 'Ada' } } })
  await server.service('POST /prompts/batch', {
    body: { topic_ids: ['goals', 'vision', 'goals', 'nothing'] },
  })
  expect((await useOf('goals')).calls_24h).toBe(4)
  expect((await useOf('vision')).calls_24h).toBe(1)
  const client = await connect(server, '2026-07-28')
  await client.getPrompt({ name: 'goals', arguments: { user_name: 'Ada' } })
  await client.readResource({ uri: 'prompt://goals' })
  await client.callTool({ name: 'get_prompts', arguments: { topic_id: 'goals' } })
  await server.admin('GET /prompts/goals')
  const { calls_24h, last_caller, last_called_at = '' } = await useOf('goals')
  expect({ calls_24h, last_caller }).toEqual({ calls_24h: 8, last_caller: 'admin@purposepath.ai' })
  expect(Math.abs(Date.parse(last_called_at) - Date.now())).toBeLessThan(60_000)
})

it('what is refused, listed or looked at by an administrator is no use', async () => {
  await server.service('POST /prompts/purpose/render', { body: { parameters: {} } })
  await server.service('GET /prompts')
  await server.admin('GET /admin/prompts/purpose')
  await server.admin('GET /admin/prompts/purpose/system')
  await server.admin('POST /admin/prompts/purpose/system/preview', { body: { content: 'x' } })
  expect((await useOf('purpose')).calls_24h).toBe(0)
  expectProblem(await server.admin('GET /admin/usage/nothing'), 404, 'not_found')
  expectProblem(await server.service('GET /admin/usage/purpose'), 403, 'forbidden')
})
