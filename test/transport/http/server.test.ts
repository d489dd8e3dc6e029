import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GENEROUS } from '../../helpers/api.ts'
import { runCommand } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { earlyInMinute } from '../../helpers/minute.ts'
import { type Environment, startServer, waitFor } from '../../helpers/program.ts'
import { ask, postMcp, type RawAnswer, rpcIn } from '../../helpers/raw.ts'
import { sharedServer } from '../../helpers/shared.ts'

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const LIST = { jsonrpc: '2.0', id: 1, method: 'prompts/list' }

const server = sharedServer(() => GENEROUS)

function expectProblem(answer: RawAnswer, status: number, code: string): void {
  expect({ status: answer.status, type: answer.headers['content-type'] }).toEqual({
    status,
    type: expect.stringMatching(/^application\/problem\+json/),
  })
  expect(JSON.parse(answer.text)).toMatchObject({
    type: `urn:purposepath-prompts:problem:${code}`,
    title: expect.any(String),
    detail: expect.any(String),
    status,
    code,
  })
}

/** What the command prints: a key. */
async function createKey(
  folder: string,
  name: string,
  words: string[] = [],
  settings: Environment = {},
): Promise<string> {
  const command = ['keys', 'create', '--name', name, ...words]
  const { code, stdout } = await runCommand(command, { PROMPTS_DATA_DIR: folder, ...settings })
  expect(code).toBe(0)
  return stdout.trim()
}

describe('credentials', () => {
  test('a request without a valid key is unauthenticated', async () => {
    const { key } = server
    const other = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`
    const refused: Record<string, string>[] = [
      {},
      { 'x-api-key': '' },
      { 'x-api-key': 'nonsense' },
      { 'x-api-key': other },
      { 'x-api-key': `${key}, ${key}` },
      { 'x-api-key': await createKey(await tempFolder(), 'elsewhere') },
      { authorization: `Bearer ${key}` },
      { 'x-api-key': key, authorization: `Bearer ${key}` },
      { 'x-api-key': key, authorization: 'Basic dTpw' },
    ]
    for (const headers of refused) {
      const answer = await postMcp({ url: server.url }, LIST, headers)
      expectProblem(answer, 401, 'unauthenticated')
      expect(answer.headers).toHaveProperty('www-authenticate')
      expect(answer.text).not.toContain('ppath_svc')
    }
    expect((await postMcp(server, LIST)).status).toBe(200)
  })

  test('a key of another stage is unauthenticated', async () => {
    const key = await createKey(server.folder, 'prod', [], { STAGE: 'prod' })
    expect(key).toMatch(/^ppath_svc_prod_[0-9a-f]{48}$/)
    expectProblem(await postMcp({ url: server.url, key }, LIST), 401, 'unauthenticated')
  })

  test('a key is unauthenticated once it has expired', async () => {
    const { url, folder } = server
    const key = await createKey(folder, 'short', ['--ttl', '1m'])
    await waitFor(async () => (await postMcp({ url, key }, LIST)).status === 200, 1_000)
    // Keys live for a minute at least: the clock is moved on by hand.
    const file = join(folder, '.purposepath/keys.json')
    const kept = await readFile(file, 'utf8')
    await writeFile(file, kept.replace(/("expires_at": )"[^"]+"/, '$1"2026-01-01T00:00:00.000Z"'))
    await waitFor(async () => (await postMcp({ url, key }, LIST)).status === 401, 1_000)
  })

  test('a created key is valid and a revoked one invalid within a second in the running server', async () => {
    const key = await createKey(server.folder, 'another')
    const status = async () => (await postMcp({ url: server.url, key }, LIST)).status
    await waitFor(async () => (await status()) === 200, 1_000)
    const { code } = await runCommand(['keys', 'revoke', 'another'], { PROMPTS_DATA_DIR: server.folder })
    expect(code).toBe(0)
    await waitFor(async () => (await status()) === 401, 1_000)
    expect((await postMcp(server, LIST)).status).toBe(200)
  })
})

describe('who may ask from where', () => {
  test('only the names of this machine are believed as Host and Origin', async () => {
    const { port } = new URL(server.url)
    const send = (headers: Record<string, string>) => postMcp(server, PING, headers)
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'localhost', `[::1]:${port}`]) {
      expect((await send({ host })).status).toBe(200)
    }
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example']) {
      expectProblem(await send({ host }), 403, 'forbidden')
    }
    for (const origin of ['http://localhost', 'http://localhost:5173', 'http://127.0.0.1:3000']) {
      expect((await send({ origin })).status).toBe(200)
    }
    for (const origin of ['http://evil.example', 'http://localhost.evil.example', 'null', 'nonsense']) {
      expectProblem(await send({ origin }), 403, 'forbidden')
    }
  })

  test('other methods are refused on /mcp, with and without a key', async () => {
    const { url, key } = server
    for (const method of ['HEAD', 'PUT', 'PATCH']) {
      for (const headers of [{}, { 'x-api-key': key }] as Record<string, string>[]) {
        const answer = await ask(`${url}/mcp`, { method, headers })
        expect({ method, status: answer.status, allow: answer.headers['allow'] }).toEqual({
          method,
          status: 405,
          allow: 'DELETE, GET, OPTIONS, POST',
        })
        if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed')
      }
    }
    for (const method of ['GET', 'DELETE']) {
      expectProblem(await ask(`${url}/mcp`, { method }), 401, 'unauthenticated')
    }
    expect((await ask(`${url}/mcp`, { method: 'TRACE' })).status).toSatisfy((status) => status < 500)
  })
})

describe('bodies', () => {
  test('a body over 1 MiB is too large', async () => {
    expectProblem(await postMcp(server, `"${'x'.repeat(2_000_000)}"`), 413, 'too_large')
    expect((await postMcp(server, LIST)).status).toBe(200)
  })

  test('what is not JSON, and JSON that is no request, is refused with 400', async () => {
    for (const body of ['', '{"jsonrpc":', 'no JSON']) {
      const answer = await postMcp(server, body)
      expect({ body, status: answer.status }).toEqual({ body, status: 400 })
      expect(rpcIn(answer)).toMatchObject([{ jsonrpc: '2.0', id: null, error: { code: -32700 } }])
    }
    for (const body of [42, null, 'text', [], {}, { jsonrpc: '1.0', id: 1, method: 'ping' }]) {
      const answer = await postMcp(server, JSON.stringify(body))
      expect({ body, status: answer.status }).toEqual({ body, status: 400 })
      expect(rpcIn(answer)).toMatchObject([{ error: { code: -32600 } }])
    }
  })

  test('bytes that are not UTF-8 are refused, never replaced', async () => {
    const params = { name: 'goals', arguments: { user_name: '|' } }
    const [before, after] = JSON.stringify({ ...PING, method: 'prompts/get', params }).split('|')
    const body = Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xff]), Buffer.from(after ?? '')])
    expect((await postMcp(server, body)).status).toBe(400)
  })

  test('another content type than JSON is refused', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const { status } = await postMcp(server, PING, { 'content-type': type })
      expect({ type, refused: status >= 400 && status < 500 }).toEqual({ type, refused: true })
    }
    expect((await postMcp(server, PING, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(
      200,
    )
  })

  test('a batch of revision 2025-03-26 is answered as a whole', async () => {
    const batch = [LIST, { ...PING, id: 2 }, { jsonrpc: '2.0', method: 'notifications/initialized' }]
    const answer = await postMcp(server, batch, { 'mcp-protocol-version': '2025-03-26' })
    expect(answer.status).toBe(200)
    expect(
      rpcIn(answer)
        .map(({ id, error }) => [id, error])
        .sort(),
    ).toEqual([
      [1, undefined],
      [2, undefined],
    ])
  })

  test('JSON nested 100,000 deep is the caller’s fault', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const request = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
    for (const body of [
      `${request}{"name":"render_prompts","arguments":{"topic_id":"goals","parameters":{"user_name":${deep}}}}}`,
      `${request}{"name":"get_prompts","arguments":{"topic_id":"goals"},"_meta":{"x":${deep}}}}`,
      `${request}${deep}}`,
      deep,
    ]) {
      expect((await postMcp(server, body)).status).toBeLessThan(500)
    }
    expect((await postMcp(server, LIST)).status).toBe(200)
  })

  test.each(['tools/call', 'prompts/get'])(
    'a member named __proto__ in %s is an unknown name, not silently dropped',
    async (method) => {
      const given = '{"user_name":"Maria","__proto__":"polluted"}'
      const tool = `{"name":"render_prompts","arguments":{"topic_id":"goals","parameters":${given}}}`
      const params = method === 'tools/call' ? tool : `{"name":"goals","arguments":${given}}`
      const answer = await postMcp(server, `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`)
      const [{ result, error } = {}] = rpcIn(answer)
      const code = (error?.data ?? result?.['_meta'] ?? {}) as { code?: string }
      expect(code.code).toBe('invalid_input')
    },
  )
})

describe('limits', () => {
  test('the sixth call of five is refused with the time to wait', async () => {
    const server = await startServer({ PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_LIMIT_RETRIEVAL: '5' })
    await earlyInMinute()
    for (let left = 4; left >= 0; left--) {
      const { status, headers } = await postMcp(server, LIST)
      expect({ status, policy: headers['ratelimit-policy'] }).toEqual({
        status: 200,
        policy: '"retrieval";q=5;w=60',
      })
      expect(headers['ratelimit']).toMatch(new RegExp(`^"retrieval";r=${left};t=\\d+$`))
    }
    const refused = await postMcp(server, LIST)
    expectProblem(refused, 429, 'rate_limited')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect((await postMcp(server, PING)).status).toBe(200)
    expect(refused.headers['ratelimit-policy']).toBe('"retrieval";q=5;w=60')
    expect(refused.headers['ratelimit']).toMatch(/^"retrieval";r=0;t=\d+$/)
  })

  test('all calls of a batch are taken together or not at all', async () => {
    const server = await startServer({ PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_LIMIT_RETRIEVAL: '5' })
    await earlyInMinute()
    const batch = (calls: number) => Array.from({ length: calls }, (_, id) => ({ ...LIST, id }))
    // No minute would ever allow it: to wait would be in vain.
    expectProblem(await postMcp(server, batch(6)), 413, 'too_large')
    expect((await postMcp(server, batch(5))).status).toBe(200)
    expectProblem(await postMcp(server, batch(1)), 429, 'rate_limited')
  })
})
