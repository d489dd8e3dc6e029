import { beforeAll, expect, test } from 'vitest'
import type { Role } from '../../../../src/domain/caller.ts'
import { restRoutes } from '../../../../src/transport/http/rest/routes.ts'
import { api, dataOf, expectProblem, kpiTopic, sharedApi, tokenOf } from '../../../helpers/api.ts'
import { connect } from '../../../helpers/clients.ts'
import { refusal } from '../../../helpers/matrix.ts'
import { postMcp } from '../../../helpers/raw.ts'

const server = sharedApi()

const linesOf = (role: Role) =>
  restRoutes
    .filter(({ operation }) => operation.role === role)
    .map(({ method, path }) => `${method} ${path}`)
    .map((line) => line.replace('{topic_id}', 'nobody').replace('{prompt_type}', 'system'))
const ADMIN_LINES = [...linesOf('admin'), 'POST /admin/kpi-system/templates']
const SERVICE_LINES = [...linesOf('service'), 'GET /integration/templates/nobody']

/** Topics that nobody but administrators may know of. */
const hidden = ['kpi_hidden', 'kpi_gone']

beforeAll(async () => {
  const { admin } = server
  const prompts = { system: 'HIDDEN TEXT', user: 'HIDDEN TEXT' }
  for (const id of hidden) dataOf(await admin('POST /admin/prompts', { body: kpiTopic(id, { prompts }) }))
  dataOf(await admin('PUT /admin/prompts/kpi_hidden', { body: { is_active: false } }))
  dataOf(await admin('DELETE /admin/prompts/kpi_gone'))
})

test('every address of administrators is forbidden to services and users, whatever they send', async () => {
  const credentials = {
    key: { key: server.key },
    service: { token: await tokenOf(server.settings, 'service') },
    user: { token: await tokenOf(server.settings, 'user') },
  }
  expect(ADMIN_LINES.length).toBeGreaterThan(10)
  for (const line of ADMIN_LINES) {
    for (const [role, credential] of Object.entries(credentials)) {
      for (const more of [
        {},
        { body: '{' },
        { body: '{}', headers: { 'content-type': 'x', 'if-match': 'x' } },
      ]) {
        const answer = await api(server, line, { ...credential, ...more })
        expect({ line, role, status: answer.status }).toEqual({ line, role, status: 403 })
        expectProblem(answer, 403, 'forbidden')
      }
    }
    expect((await server.admin(line)).status).not.toBe(403)
  }
})

test('every address needs a credential and says how to send one', async () => {
  for (const line of [...ADMIN_LINES, ...SERVICE_LINES]) {
    for (const credential of [{}, { key: 'nonsense' }, { token: 'nonsense' }]) {
      const answer = await api(server, line, credential)
      expect({ line, status: answer.status }).toEqual({ line, status: 401 })
      expectProblem(answer, 401, 'unauthenticated')
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer /)
    }
  }
})

test('a user may call no address of services', async () => {
  const token = await tokenOf(server.settings, 'user')
  for (const line of SERVICE_LINES) expectProblem(await api(server, line, { token }), 403, 'forbidden')
  const mcp = await postMcp(
    { url: server.url },
    { jsonrpc: '2.0', id: 1, method: 'prompts/list' },
    {
      authorization: `Bearer ${token}`,
    },
  )
  expect(mcp.status).toBe(403)
})

test('services find no inactive and no deleted topic over REST, whatever they ask', async () => {
  const token = await tokenOf(server.settings, 'service')
  for (const credential of [{ key: server.key }, { token }]) {
    for (const id of hidden) {
      for (const line of [
        `GET /prompts/${id}`,
        `GET /prompts/${id}?include_parameters=true`,
        `HEAD /prompts/${id}`,
        `POST /prompts/${id}/render`,
        `GET /integration/templates/${id}?include_parameters=true`,
      ]) {
        const answer = await api(server, line, credential)
        expect({ line, status: answer.status }).toEqual({ line, status: 404 })
        expect(answer.text).not.toContain('HIDDEN')
      }
    }
    const batch = await api(server, 'POST /prompts/batch', { ...credential, body: { topic_ids: hidden } })
    const refused = { code: 'not_found', detail: expect.any(String) }
    expect(batch.json).toEqual({ data: {}, errors: { kpi_hidden: refused, kpi_gone: refused } })
    for (const query of [
      '',
      '?is_active=false',
      '?deleted=true',
      '?q=kpi_',
      '?deleted=true&is_active=false',
    ]) {
      const list = await api(server, `GET /prompts${query}`, credential)
      const ids = dataOf<{ topic_id: string; is_active: boolean }[]>(list)
      expect({
        query,
        hidden: ids.filter(({ is_active, topic_id }) => !is_active || hidden.includes(topic_id)),
      }).toEqual({ query, hidden: [] })
    }
  }
  const ids = async (query: string) =>
    dataOf<{ topic_id: string }[]>(await server.admin(`GET /admin/prompts?${query}`)).map(
      ({ topic_id }) => topic_id,
    )
  expect(await ids('is_active=false')).toEqual(['kpi_hidden'])
  expect(await ids('deleted=true')).toEqual(['kpi_gone'])
})

test('services find no inactive and no deleted topic over MCP, and no tool of administrators', async () => {
  const mcp = await connect(server, '2026-07-28')
  const listed = JSON.stringify([
    await mcp.listPrompts(),
    await mcp.listResources(),
    await mcp.callTool({ name: 'list_topics', arguments: {} }),
    await mcp.callTool({ name: 'list_topics', arguments: { is_active: false } }),
    await mcp.callTool({ name: 'list_topics', arguments: { deleted: true } }),
    await mcp.complete({
      ref: { type: 'ref/resource', uri: 'prompt://{topic_id}' },
      argument: { name: 'topic_id', value: 'kpi_' },
    }),
  ])
  expect(listed).not.toMatch(/kpi_hidden|kpi_gone|HIDDEN/)
  for (const topic_id of hidden) {
    expect((await refusal(mcp.getPrompt({ name: topic_id }))).data).toMatchObject({ code: 'not_found' })
    for (const uri of [`prompt://${topic_id}`, `prompt://${topic_id}/system`]) {
      expect((await refusal(mcp.readResource({ uri }))).data).toEqual({ uri })
    }
    for (const name of ['get_prompts', 'render_prompts']) {
      const answer = await mcp.callTool({ name, arguments: { topic_id } })
      expect(answer).toMatchObject({ isError: true, _meta: { code: 'not_found' } })
    }
    const batch = await mcp.callTool({ name: 'batch_get', arguments: { topic_ids: [topic_id] } })
    expect(batch.structuredContent).toMatchObject({ data: {}, errors: { [topic_id]: { code: 'not_found' } } })
  }
  const names = (await mcp.listTools()).tools.map(({ name }) => name)
  const adminTools = restRoutes
    .filter(({ operation }) => operation.role === 'admin' && operation.name !== 'topics.list')
    .flatMap(({ operation }) => operation.tool ?? [])
  expect(names.filter((name) => adminTools.includes(name))).toEqual([])
  for (const name of adminTools) {
    const answer = await mcp.callTool({ name, arguments: { topic_id: 'goals', prompt_type: 'system' } })
    expect(answer).toMatchObject({ isError: true, _meta: { code: 'forbidden' } })
  }
})
