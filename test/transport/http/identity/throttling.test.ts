import { execFileSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { runCommand } from '../../../helpers/command.ts'
import { tempFolder } from '../../../helpers/folders.ts'
import { earlyInMinute } from '../../../helpers/minute.ts'
import { type RunningServer, startServer, waitFor } from '../../../helpers/program.ts'
import { sharedServer } from '../../../helpers/shared.ts'
import { listTools, listToolsWith } from '../../../helpers/tokens.ts'

const wrongKey = (number: number) => `ppath_svc_dev_${String(number).padStart(48, '0')}`
const start = async (settings = {}) => startServer({ PROMPTS_DATA_DIR: await tempFolder(), ...settings })

const patient = sharedServer(() => ({ PROMPTS_LIMIT_AUTH_FAILURES: '1000000' }))
const statusOf = async (key: string) => (await listTools(patient.url, { 'x-api-key': key })).status
const keys = (...words: string[]) => runCommand(['keys', ...words], { PROMPTS_DATA_DIR: patient.folder })

test('Keys: the right one is accepted', async () => expect(await statusOf(patient.key)).toBe(200))

test('Keys: a prefix of the right one is refused', async () => {
  for (const length of [1, 14, 20, 40, 61]) expect(await statusOf(patient.key.slice(0, length))).toBe(401)
  expect(await statusOf('')).toBe(401)
})

test('Keys: the right one with anything in, before or after it is refused', async () => {
  const { key } = patient
  for (const wrong of [
    `${key}0`,
    `0${key}`,
    `${key} ${key}`,
    `${key.slice(0, 30)} ${key.slice(30)}`,
    `${key},`,
    `"${key}"`,
    `${key}%0A`,
    `${key}\u00a0`,
    key.toUpperCase(),
    `Bearer ${key}`,
  ]) {
    expect({ wrong, status: await statusOf(wrong) }).toEqual({ wrong, status: 401 })
  }
})

test('Keys: the right one with a line break is refused', async () => {
  for (const end of ['\n', '\n x', '\r\n x', '\r', '\0']) {
    const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 2\r\n`
    const status = await sendRaw(patient.url, `${head}X-Api-Key: ${patient.key}${end}y\r\n\r\n{}`)
    expect({ end, status: /^HTTP\/1.1 (\d+)/.exec(status)?.[1] }).toEqual({
      end,
      status: expect.stringMatching(/^40[01]$/),
    })
  }
})

test('Keys: a revoked one is refused within a second', async () => {
  const key = (await keys('create', '--name', 'gone')).stdout.trim()
  await waitFor(async () => (await statusOf(key)) === 200, 1_000)
  await keys('revoke', 'gone')
  await waitFor(async () => (await statusOf(key)) === 401, 1_000)
})

test('Keys: an expired one is refused', async () => {
  const key = (await keys('create', '--name', 'short', '--ttl', '3s')).stdout.trim()
  await waitFor(async () => (await statusOf(key)) === 200, 1_000)
  await waitFor(async () => (await statusOf(key)) === 401, 4_000)
})

test('Keys: one of another stage is refused', async () => {
  const settings = { PROMPTS_DATA_DIR: patient.folder, STAGE: 'prod' }
  const key = (await runCommand(['keys', 'create', '--name', 'prod'], settings)).stdout.trim()
  expect(key).toMatch(/^ppath_svc_prod_/)
  const ours = (await keys('create', '--name', 'ours')).stdout.trim()
  // The server has read the file with both.
  await waitFor(async () => (await statusOf(ours)) === 200, 1_000)
  expect(await statusOf(key)).toBe(401)
  expect(await statusOf(key.replace('prod', 'dev'))).toBe(401)
})

test('Keys: a request without any is challenged and counts as no attempt', async () => {
  const server = await start({ PROMPTS_LIMIT_AUTH_FAILURES: '2' })
  await earlyInMinute()
  for (let turn = 0; turn < 5; turn++) expect((await listTools(server.url, {})).status).toBe(401)
  expect((await listTools(server.url, { 'x-api-key': wrongKey(1) })).status).toBe(401)
})

test('Keys: 10,000 wrong ones are throttled and remembered nowhere; the right one is accepted all the while', async () => {
  const server = await start()
  // A key's length is its sender's choice: kept ones would show.
  const wrong = (number: number) => wrongKey(number) + 'x'.repeat(8_000)
  const firstMinute = minuteNow()
  const before = await flood(server, wrong, 0, 2_000)
  const memory = residentMegabytes(server)
  const after = await flood(server, wrong, 2_000, 10_000)
  expect(residentMegabytes(server) - memory).toBeLessThan(40)
  expect(before.get(401)).toBeGreaterThanOrEqual(10)
  // Ten in each minute of the clock.
  const minutes = minuteNow() - firstMinute + 1
  expect((before.get(401) ?? 0) + (after.get(401) ?? 0)).toBeLessThanOrEqual(10 * minutes)
  expect([...before.keys(), ...after.keys()].filter((status) => ![401, 429].includes(status))).toEqual([])

  await earlyInMinute()
  for (let attempt = 0; attempt < 10; attempt++) await listTools(server.url, { 'x-api-key': wrongKey(1) })
  const refused = await listTools(server.url, { 'x-api-key': wrongKey(1) })
  expect({ status: refused.status, wait: Number(refused.headers['retry-after']) }).toEqual({
    status: 429,
    wait: expect.toSatisfy((seconds: number) => seconds >= 1 && seconds <= 60),
  })
  expect(JSON.parse(refused.text)).toMatchObject({ code: 'rate_limited' })
  expect((await listTools(server.url, { 'x-api-key': server.key })).status).toBe(200)
})

test('wrong tokens, wrong keys and malformed credentials count alike', async () => {
  const server = await start({ PROMPTS_LIMIT_AUTH_FAILURES: '3' })
  await earlyInMinute()
  expect((await listToolsWith(server.url, 'a.b.c')).status).toBe(401)
  expect((await listTools(server.url, { 'x-api-key': 'x' })).status).toBe(401)
  expect((await listTools(server.url, { authorization: 'Basic eDp5' })).status).toBe(401)
  expect((await listToolsWith(server.url, 'a.b.c')).status).toBe(429)
  // Lines come through a pipe, perhaps after the answer.
  const audited = await waitFor(() => {
    const lines = server.stderr().split('\n').slice(0, -1)
    const found = lines.filter((line) => line.includes('"event":"authenticate"'))
    return found.length >= 4 ? found : undefined
  })
  expect(audited.map((line) => JSON.parse(line))).toMatchObject([
    { caller: '(token)', outcome: 'unauthenticated', address: '127.0.0.1' },
    { caller: '(no key of ours)', outcome: 'unauthenticated', address: '127.0.0.1' },
    { caller: '(token)', outcome: 'unauthenticated', address: '127.0.0.1' },
    { caller: '(token)', outcome: 'rate_limited', address: '127.0.0.1' },
  ])
})

test('behind a trusted proxy each client has its own allowance', async () => {
  const server = await start({ PROMPTS_LIMIT_AUTH_FAILURES: '2', PROMPTS_TRUST_PROXY: '1' })
  await earlyInMinute()
  const failAs = async (address: string) =>
    (await listTools(server.url, { 'x-api-key': wrongKey(1), 'x-forwarded-for': address })).status
  expect([await failAs('192.0.2.1'), await failAs('192.0.2.1')]).toEqual([401, 401])
  expect(await failAs('192.0.2.1')).toBe(429)
  // What a client claims stands before what the proxy saw.
  expect(await failAs('198.51.100.9, 192.0.2.1')).toBe(429)
  expect(await failAs('192.0.2.2')).toBe(401)
  const right = { 'x-api-key': server.key, 'x-forwarded-for': '192.0.2.1' }
  expect((await listTools(server.url, right)).status).toBe(200)
  // In IPv6 the network counts: everyone has many addresses.
  expect([await failAs('2001:db8::1'), await failAs('2001:db8::2:3'), await failAs('2001:db8::4')]).toEqual([
    401, 401, 429,
  ])
  expect(await failAs('2001:db8:0:1::1')).toBe(401)
  // Texts that are no addresses share one allowance.
  expect([await failAs('x'), await failAs('y'), await failAs('z')]).toEqual([401, 401, 429])
})

test('without a trusted proxy X-Forwarded-For changes nothing', async () => {
  const server = await start({ PROMPTS_LIMIT_AUTH_FAILURES: '2' })
  await earlyInMinute()
  const failAs = async (address: string) =>
    (await listTools(server.url, { 'x-api-key': wrongKey(1), 'x-forwarded-for': address })).status
  expect([await failAs('192.0.2.1'), await failAs('192.0.2.2'), await failAs('192.0.2.3')]).toEqual([
    401, 401, 429,
  ])
})

const minuteNow = () => Math.floor(Date.now() / 60_000)

/** Sends wrong keys from `first` on, and counts the answers by status. */
async function flood({ url }: RunningServer, key: (number: number) => string, first: number, count: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  const statuses = new Map<number, number>()
  let next = first
  const one = (number: number) =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'x-api-key': key(number) }
      request(`${url}/mcp`, { method: 'POST', headers, agent }, (answer) => {
        const { statusCode = 0 } = answer
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
        answer.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
  const worker = async () => {
    while (next < first + count) await one(next++)
  }
  await Promise.all(Array.from({ length: 20 }, worker))
  agent.destroy()
  return statuses
}

function residentMegabytes({ process: { pid } }: RunningServer): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
}

/** Sends bytes as they are, and answers all that comes back. */
function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    connect(Number(port), hostname)
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        answer += chunk
      })
      .on('error', reject)
      .on('close', () => resolve(answer))
      .end(text)
  })
}
