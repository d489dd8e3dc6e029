import { expect, test } from 'vitest'
import { startApi, tokenOf } from '../../helpers/api.ts'
import { earlyInMinute } from '../../helpers/minute.ts'
import { waitFor } from '../../helpers/program.ts'
import { ask, postMcp, type RawAnswer } from '../../helpers/raw.ts'

const LIST = { jsonrpc: '2.0', id: 1, method: 'prompts/list' }
const TOO_LARGE = `"${'x'.repeat(1024 * 1024)}"`

test('a call that is refused before it comes to an operation is audited as a request', async () => {
  const server = await startApi({ PROMPTS_LIMIT_RETRIEVAL: '1', PROMPTS_TRUST_PROXY: '1' })
  const { url, settings, token } = server
  const asUser = { authorization: `Bearer ${await tokenOf(settings, 'user', 'ursula')}` }
  const asAdmin = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const isFar = { 'x-forwarded-for': '192.0.2.1' }
  const prompt = `${url}/api/v1/admin/prompts/goals/system`
  await earlyInMinute()
  expect((await postMcp(server, LIST)).status).toBe(200)
  const refusals: [answer: RawAnswer, status: number, line: object][] = [
    [
      await ask(prompt, { method: 'PUT', headers: asAdmin, body: TOO_LARGE }),
      413,
      { caller: 'admin@purposepath.ai', role: 'admin', outcome: 'too_large' },
    ],
    [
      await postMcp(server, TOO_LARGE),
      413,
      { caller: 'key:first-start', role: 'service', outcome: 'too_large' },
    ],
    [
      await postMcp(server, LIST),
      429,
      { caller: 'key:first-start', role: 'service', outcome: 'rate_limited' },
    ],
    [await postMcp({ url }, LIST, asUser), 403, { caller: 'ursula', role: 'user', outcome: 'forbidden' }],
    [
      await ask(`${url}/metrics`, { headers: { ...asUser, ...isFar } }),
      403,
      { caller: 'ursula', role: 'user', outcome: 'forbidden' },
    ],
  ]
  for (const [{ status, headers }, expected, line] of refusals) {
    expect({ line, status }).toEqual({ line, status: expected })
    const id = String(headers['x-request-id'])
    // Its own line comes after that of its credential.
    const lines = await waitFor(() => {
      const found = server
        .stderr()
        .split('\n')
        .filter((one) => one.endsWith('}') && one.includes(id))
      return found.length >= 2 ? found : undefined
    })
    expect(lines.map((one) => JSON.parse(one) as object)).toMatchObject([
      { event: 'authenticate', outcome: 'ok' },
      { kind: 'audit', event: 'request', ...line },
    ])
  }
})

test('a caller has one allowance for REST and for MCP', async () => {
  const server = await startApi({ PROMPTS_LIMIT_RETRIEVAL: '4' })
  await earlyInMinute()
  const overMcp = async () => (await postMcp(server, LIST)).status
  const overRest = async () => (await server.service('GET /prompts/goals')).status
  expect([await overRest(), await overMcp(), await overRest(), await overMcp()]).toEqual([200, 200, 200, 200])
  expect([await overRest(), await overMcp()]).toEqual([429, 429])
})
