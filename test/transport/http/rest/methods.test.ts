import { expect, test } from 'vitest'
import { restRoutes } from '../../../../src/transport/http/rest/routes.ts'
import { api, dataOf, expectProblem, kpiTopic, sharedApi, startApi } from '../../../helpers/api.ts'
import { ask } from '../../../helpers/raw.ts'

const shared = sharedApi()

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const filled = (path: string) => path.replace('{topic_id}', 'core_values').replace('{prompt_type}', 'system')
const EARLY = [
  { method: 'POST', path: '/admin/kpi-system/templates' },
  { method: 'GET', path: '/integration/templates/core_values' },
]

const RUN = filled('/admin/prompts/{topic_id}/run')

/** Methods of every address of the table, as `Allow` tells them. */
function addresses(): [path: string, allowed: string[]][] {
  const methods = new Map<string, Set<string>>()
  for (const { method, path } of [...restRoutes, ...EARLY]) {
    const known = methods.get(filled(path)) ?? new Set(['OPTIONS'])
    known.add(method)
    if (method === 'GET') known.add('HEAD')
    methods.set(filled(path), known)
  }
  // A topic may have the id "batch".
  for (const method of ['GET', 'HEAD']) methods.get('/prompts/batch')?.add(method)
  // And a prompt the type "run".
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) methods.get(RUN)?.add(method)
  return [...methods].map(([path, known]) => [path, [...known].sort()])
}

const allowOf = (allow: string | undefined) => (allow ?? '').split(', ').sort()

test('other methods are 405 and name those that an address has', async () => {
  const { admin } = shared
  expect(addresses().length).toBeGreaterThan(9)
  for (const [path, allowed] of addresses()) {
    for (const method of METHODS.filter((one) => !allowed.includes(one))) {
      const answer = await admin(`${method} ${path}`)
      expect({ path, method, status: answer.status, allow: allowOf(answer.headers.allow) }).toEqual({
        path,
        method,
        status: 405,
        allow: allowed,
      })
      if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed')
    }
    const options = await admin(`OPTIONS ${path}`)
    expect({
      path,
      status: options.status,
      allow: allowOf(options.headers.allow),
      text: options.text,
    }).toEqual({
      path,
      status: 204,
      allow: allowed,
      text: '',
    })
  }
})

test('a topic with the id "batch" is served like every other one', async () => {
  const { admin, service } = shared
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic('batch', { prompts: { system: 'x' } }) }))
  expect((await service('GET /prompts/batch')).json.data).toEqual({
    topic_id: 'batch',
    prompts: { system: 'x' },
  })
  expect((await service('HEAD /prompts/batch')).status).toBe(200)
  expect((await service('POST /prompts/batch', { body: { topic_ids: ['batch'] } })).status).toBe(200)
})

test('a prompt of the type "run" is read, replaced and deleted like every other one', async () => {
  const { admin } = shared
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic('runs', { prompts: { run: 'x' } }) }))
  expect((await admin('GET /admin/prompts/runs/run')).json.data).toMatchObject({ content: 'x' })
  expect((await admin('PUT /admin/prompts/runs/run', { body: { content: 'y' } })).status).toBe(200)
  // To create it over REST it has to come with its topic: this is how a draft is run.
  expectProblem(await admin('POST /admin/prompts/runs/run', { body: { content: 'z' } }), 400, 'invalid_input')
  expect((await admin('DELETE /admin/prompts/runs/run')).status).toBe(200)
})

test('HEAD answers like GET without a body', async () => {
  const { admin, service } = shared
  for (const [path, allowed] of addresses()) {
    if (!allowed.includes('HEAD') || ['/prompts/batch', RUN].includes(path)) continue
    for (const ask of path.startsWith('/admin') ? [admin] : [admin, service]) {
      const [get, head] = [await ask(`GET ${path}`), await ask(`HEAD ${path}`)]
      const facts = ({ status, headers }: typeof get) => ({
        status,
        etag: headers.etag,
        type: headers['content-type'],
        length: headers['content-length'],
        cache: headers['cache-control'],
      })
      expect(get.headers['content-length']).toBe(String(Buffer.byteLength(get.text)))
      expect({ path, ...facts(head), text: head.text }).toEqual({ path, ...facts(get), text: '' })
    }
  }
  const missing = await service('HEAD /prompts/no_such_topic')
  expect([missing.status, missing.text]).toEqual([404, ''])
})

test('a trailing slash changes nothing', async () => {
  const { admin } = shared
  for (const [path, allowed] of addresses().filter(([, allowed]) => allowed.includes('GET'))) {
    if (path === '/prompts/batch') continue
    const [without, withSlash] = [await admin(`GET ${path}`), await admin(`GET ${path}/`)]
    expect({ path, allowed, text: withSlash.text }).toEqual({ path, allowed, text: without.text })
    expectProblem(await admin(`PATCH ${path}/`), 405, 'method_not_allowed')
  }
})

test('unknown addresses below the API are problem documents', async () => {
  const { admin } = shared
  for (const path of ['', '/', '/nowhere', '/admin', '/admin/prompts/a/b/c', '/prompts/a/b', '//prompts']) {
    expectProblem(await admin(`GET ${path}`), 404, 'not_found')
  }
})

test('with a public address that has a path, all routes answer below it as well', async () => {
  const server = await startApi({ PROMPTS_PUBLIC_URL: 'https://api.dev.purposepath.app/coaching' })
  const { url, key, token, admin, service } = server
  const body = kpiTopic('mine', { prompts: { system: 'x' } })
  const created = await admin('POST /admin/prompts', { body })
  expect([created.status, created.headers.location]).toEqual([201, '/coaching/api/v1/admin/prompts/mine'])
  const headers = { host: 'api.dev.purposepath.app', 'x-api-key': key }
  const direct = await service('GET /prompts/mine')
  for (const prefix of ['/coaching', '']) {
    const { status, text } = await ask(`${url}${prefix}/api/v1/prompts/mine`, { headers })
    expect({ prefix, status, text }).toEqual({ prefix, status: 200, text: direct.text })
    expect((await ask(`${url}${prefix}/healthz`)).status).toBe(200)
  }
  const at = `${url}${created.headers.location}`
  const authorization = `Bearer ${token}`
  expect((await ask(at, { headers: { authorization } })).status).toBe(200)
  expect((await ask(`${url}/coachingx/api/v1/prompts/mine`, { headers })).status).toBe(404)
  const refused = await ask(`${url}/coaching/api/v1/prompts/mine`, {
    method: 'DELETE',
    headers,
  })
  expect([refused.status, allowOf(refused.headers.allow)]).toEqual([405, ['GET', 'HEAD', 'OPTIONS']])
  expect((await api(server, 'GET /prompts/mine', { key, headers: { host: 'evil.example' } })).status).toBe(
    403,
  )
})

test('Location leads to what was created', async () => {
  const { url, admin, token } = shared
  const headers = { authorization: `Bearer ${token}` }
  for (const [line, body] of [
    ['POST /admin/prompts', kpiTopic('mine')],
    ['POST /admin/prompts/mine/system', { content: 'x' }],
    ['POST /admin/kpi-system/templates', { kpiId: 'a', systemId: 'b', displayName: 'A', systemPrompt: 'x' }],
  ] as const) {
    const created = await admin(line, { body })
    expect(created.status).toBe(201)
    const found = await ask(new URL(created.headers.location ?? '', url).href, { headers })
    expect({ line, status: found.status }).toEqual({ line, status: 200 })
  }
})
