import { expect, it } from 'vitest'
import { listTools } from '../../../../src/transport/mcp/tools.ts'
import { expectProblem, sharedApi } from '../../../helpers/api.ts'

const server = sharedApi()

interface Key {
  id: string
  name: string
  prefix: string
  key?: string
  expires_at?: string
  revoked_at?: string
}

it('a key is made, shown once, and revoked', async () => {
  const created = await server.admin('POST /admin/keys', { body: { name: 'reporting', ttl: '90d' } })
  const { key = '', ...record } = created.json.data as Key
  expect(created.status).toBe(201)
  expect(created.headers).toMatchObject({
    location: `/api/v1/admin/keys/${record.id}`,
    'cache-control': 'no-store',
  })
  expect(key).toMatch(/^ppath_svc_dev_[0-9a-f]{48}$/)
  const days = (Date.parse(record.expires_at ?? '') - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(89.9)
  expect(days).toBeLessThanOrEqual(90)
  expect((await server.service('GET /prompts/goals', { headers: { 'x-api-key': key } })).status).toBe(200)

  const listed = await server.admin('GET /admin/keys')
  expect(listed.json.data).toContainEqual(record)
  expect(listed.text).not.toContain(key)

  const revoked = await server.admin(`DELETE /admin/keys/${record.id}`)
  expect(revoked.json.data).toEqual({ ...record, revoked_at: expect.any(String) })
  expect((await server.service('GET /prompts/goals', { headers: { 'x-api-key': key } })).status).toBe(401)
  expectProblem(await server.admin(`DELETE /admin/keys/${record.id}`), 404, 'not_found')
})

it('what is not a name or a time makes no key', async () => {
  const before = (await server.admin('GET /admin/keys')).json.data
  const refused = async (body: unknown, paths: string[]) =>
    expectProblem(await server.admin('POST /admin/keys', { body }), 400, 'invalid_input', paths)
  await refused({}, ['name'])
  await refused({ name: 'two words' }, ['name'])
  await refused({ name: 'x'.repeat(65) }, ['name'])
  await refused({ name: 'x', ttl: 'tomorrow' }, ['ttl'])
  await refused({ name: 'x', ttl: 90 }, ['ttl'])
  await refused({ name: 'x', role: 'admin' }, ['role'])
  expect((await server.admin('GET /admin/keys')).json.data).toEqual(before)
})

it('is for administrators, and for no model', async () => {
  expectProblem(await server.service('GET /admin/keys'), 403, 'forbidden')
  expectProblem(await server.service('POST /admin/keys', { body: { name: 'mine' } }), 403, 'forbidden')
  const { tools } = listTools({ kind: 'local', subject: 'ada', role: 'admin' })
  expect(tools.length).toBeGreaterThan(10)
  expect(tools.filter(({ name }) => name.includes('key'))).toEqual([])
})
