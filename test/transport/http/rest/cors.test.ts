import { expect, test } from 'vitest'
import {
  type ApiAnswer,
  type ApiServer,
  api,
  expectProblem,
  sharedApi,
  startApi,
} from '../../../helpers/api.ts'
import { ask, postMcp } from '../../../helpers/raw.ts'

const server = sharedApi()

const PREFLIGHT = {
  'access-control-request-method': 'PUT',
  'access-control-request-headers': 'authorization,content-type,if-match',
}
const ADDRESS = '/admin/prompts/core_values/system'

/** What browsers read of an answer before a script may. */
function corsOf({ status, headers }: ApiAnswer) {
  expect(headers).not.toHaveProperty('access-control-allow-credentials')
  return { status, origin: headers['access-control-allow-origin'] }
}

/** A request of a page: a question before, then the request itself. */
async function fromPage(server: ApiServer, origin: string) {
  const preflight = await api(server, `OPTIONS ${ADDRESS}`, { headers: { origin, ...PREFLIGHT } })
  const simple = await server.admin(`GET ${ADDRESS}`, { headers: { origin } })
  return { preflight, simple }
}

async function expectAllowed(server: ApiServer, origins: string[]): Promise<void> {
  for (const origin of origins) {
    const { preflight, simple } = await fromPage(server, origin)
    expect({ asked: origin, ...corsOf(preflight) }).toEqual({ asked: origin, status: 204, origin })
    expect({ asked: origin, ...corsOf(simple) }).toEqual({ asked: origin, status: 200, origin })
  }
}

async function expectRefused(server: ApiServer, origins: string[]): Promise<void> {
  for (const origin of origins) {
    const { preflight, simple } = await fromPage(server, origin)
    for (const answer of [preflight, simple]) {
      expect({ asked: origin, ...corsOf(answer) }).toEqual({ asked: origin, status: 403, origin: undefined })
      expectProblem(answer, 403, 'forbidden')
    }
  }
}

test('pages of this machine may call, others may not', async () => {
  const { port } = new URL(server.url)
  const own = ['http://localhost', 'http://localhost:5173', 'http://127.0.0.1:8080', `http://[::1]:${port}`]
  await expectAllowed(server, own)
  await expectRefused(server, ['https://evil.example', 'null', 'http://localhost.evil.example', 'nonsense'])
})

test('a preflight names methods and headers, needs no credential, and its answer tells caches apart', async () => {
  const { preflight } = await fromPage(server, 'http://localhost:5173')
  const { headers } = preflight
  const listed = (name: string) => String(headers[name]).toLowerCase().split(', ')
  expect(listed('access-control-allow-methods')).toEqual(
    expect.arrayContaining(['get', 'put', 'post', 'delete']),
  )
  expect(listed('access-control-allow-headers')).toEqual(
    expect.arrayContaining(['authorization', 'content-type', 'if-match', 'if-none-match', 'x-api-key']),
  )
  expect(listed('vary')).toContain('origin')
  const plain = await api(server, `OPTIONS ${ADDRESS}`)
  expect(plain.headers).not.toHaveProperty('access-control-allow-methods')
})

test('scripts may read the headers of answers and of refusals', async () => {
  const headers = { origin: 'http://localhost:5173' }
  for (const answer of [
    await server.admin(`GET ${ADDRESS}`, { headers }),
    await server.admin('GET /admin/prompts/no_such_topic', { headers }),
    await api(server, `GET ${ADDRESS}`, { headers }),
    await server.admin(`PATCH ${ADDRESS}`, { headers }),
  ]) {
    expect({ status: answer.status, origin: answer.headers['access-control-allow-origin'] }).toEqual({
      status: answer.status,
      origin: headers.origin,
    })
    const exposed = String(answer.headers['access-control-expose-headers']).toLowerCase().split(', ')
    expect(exposed).toEqual(expect.arrayContaining(['etag', 'location', 'retry-after', 'ratelimit']))
    expect(answer.headers.vary?.toLowerCase()).toContain('origin')
  }
  expect((await server.admin(`GET ${ADDRESS}`)).headers).not.toHaveProperty('access-control-allow-origin')
})

test('every answer tells caches that it depends on the origin, also when none came', async () => {
  const etag = (await server.service('GET /prompts/goals')).headers.etag ?? ''
  const varies = async (headers: Record<string, string>) => {
    const answers = [
      await server.service('GET /prompts/goals', { headers }),
      await server.service('GET /prompts/goals', { headers: { ...headers, 'if-none-match': etag } }),
      await server.service('GET /prompts/no_such_topic', { headers }),
      await server.admin(`PATCH ${ADDRESS}`, { headers }),
      await server.admin(`PUT ${ADDRESS}`, { headers, body: ' '.repeat(1024 * 1024 + 1) }),
      await api(server, `GET ${ADDRESS}`, { headers }),
      await api(server, `OPTIONS ${ADDRESS}`, { headers: { ...headers, ...PREFLIGHT } }),
      await postMcp(server, { jsonrpc: '2.0', id: 1, method: 'prompts/list' }, headers),
      await ask(`${server.url}/openapi.json`, { headers }),
      await ask(`${server.url}/docs/`, { headers }),
      await ask(`${server.url}/nowhere`, { headers }),
    ]
    return answers.map(({ status, headers }) => ({ status, vary: headers.vary }))
  }
  const expected = [200, 304, 404, 405, 413, 401, 204, 200, 200, 200, 404]
  for (const headers of [{}, { origin: 'http://localhost:5173' }] as Record<string, string>[]) {
    expect(await varies(headers)).toEqual(expected.map((status) => ({ status, vary: 'Origin' })))
  }
  for (const { vary } of await varies({ origin: 'https://evil.example' })) expect(vary).toBe('Origin')
})

test('origins are configured by host name or as whole origins', async () => {
  const configured = await startApi({
    PROMPTS_ALLOWED_ORIGINS: 'app.example.com, https://admin.example.com:8443',
  })
  await expectAllowed(configured, [
    'https://app.example.com',
    'http://app.example.com:3000',
    'https://admin.example.com:8443',
  ])
  await expectRefused(configured, [
    'https://admin.example.com',
    'http://admin.example.com:8443',
    'https://admin.example.com:84430',
    'https://sub.app.example.com',
    'https://app.example.com.evil.example',
    'null',
  ])
})
