import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { api, expectProblem, expectUnharmed, sharedApi } from '../../../helpers/api.ts'
import { answersIn, converse, drained } from '../../../helpers/wire.ts'

const server = sharedApi()
const revisionNow = async () => (await server.admin('GET /admin/prompts/goals/system')).headers.etag

const MIB = 1024 * 1024
const BODY = '{"content":"x"}'
const PROBLEM = 'application/problem+json'

/** The head of a `PUT` of a prompt by an administrator. */
function head(...headers: string[]): string {
  const all = [
    'Host: localhost',
    `Authorization: Bearer ${server.token}`,
    'Content-Type: application/json',
    ...headers,
  ]
  return `PUT /api/v1/admin/prompts/goals/system HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`
}

test('a body shorter than it claims to be harms nobody when its client goes away', async () => {
  const before = await revisionNow()
  const { ended } = await converse(server, (socket) => {
    socket.write(`${head('Content-Length: 1000')}${BODY}`)
    socket.end()
  })
  expect(ended).toBe(true)
  for (let times = 0; times < 20; times++) {
    const cut = converse(server, async (socket) => {
      socket.write(`${head('Content-Length: 1000')}${BODY}`)
      await setTimeout(5)
      socket.resetAndDestroy()
    })
    await cut
  }
  expect(await revisionNow()).toBe(before)
  await expectUnharmed(server)
})

test('a body longer than it claims to be is cut, and the rest is no request', async () => {
  const before = await revisionNow()
  const { text, ended } = await converse(server, (socket) => {
    socket.write(`${head('Content-Length: 5')}${BODY}`)
  })
  expect({ ended, answers: new Set(answersIn(text)) }).toEqual({
    ended: true,
    answers: new Set([{ status: 400, type: PROBLEM, code: 'invalid_input' }]),
  })
  expect(await revisionNow()).toBe(before)
  await expectUnharmed(server)
})

test('a body in chunks is read like any other, and one without an end is cut at 1 MiB', async () => {
  const chunked = head('Transfer-Encoding: chunked', 'Connection: close')
  const small = await converse(server, (socket) => {
    socket.write(`${chunked}5\r\n${BODY.slice(0, 5)}\r\na\r\n${BODY.slice(5)}\r\n0\r\n\r\n`)
  })
  expect(answersIn(small.text)).toMatchObject([{ status: 200 }])
  let sent = 0
  const endless = await converse(server, async (socket) => {
    socket.write(head('Transfer-Encoding: chunked'))
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
    while (!socket.destroyed && sent < 64 * MIB) {
      if (!socket.write(chunk)) await drained(socket)
      sent += 0x10000
    }
  })
  expect(answersIn(endless.text)).toEqual([{ status: 413, type: PROBLEM, code: 'too_large' }])
  expect({ ended: endless.ended, all: sent >= 64 * MIB }).toEqual({ ended: true, all: false })
  await expectUnharmed(server)
})

test('what is no HTTP request is answered with a problem and hung up on', async () => {
  const garbage = [
    'nonsense\r\n\r\n',
    '\u0000\u0001\u0002\u0003\r\n\r\n',
    'GET /api/v1/prompts HTTP/9.9\r\nHost: localhost\r\n\r\n',
    'GET  HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /api/v1/pro\u0000mpts HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /api/v1/prompts HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: a\u0000b\r\n\r\n',
    'GET /api/v1/prompts HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n',
    'NONSENSE /api/v1/prompts HTTP/1.1\r\nHost: localhost\r\n\r\n',
    head('Content-Length: 5', 'Transfer-Encoding: chunked'),
    head('Content-Length: 5', 'Content-Length: 6'),
    head('Content-Length: -1'),
    head('Content-Length: 1e3'),
    `${head('Transfer-Encoding: chunked')}zz\r\nxx\r\n0\r\n\r\n`,
    head('Transfer-Encoding: gzip, chunked, identity'),
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    '{"content":"x"}',
  ]
  const answers = await Promise.all(
    garbage.map((text) => converse(server, (socket) => void socket.write(text, 'latin1'))),
  )
  expect(answers.map(({ text, ended }, index) => [garbage[index], ended, ...answersIn(text)])).toEqual(
    garbage.map((text) => [text, true, { status: 400, type: PROBLEM, code: 'invalid_input' }]),
  )
  await expectUnharmed(server)
})

test('headers of 100 KB are too large, and so is an endless number of them', async () => {
  const many = Array.from({ length: 3_000 }, (_, number) => `X-Header-${number}: value`)
  for (const headers of [[`X-Padding: ${'x'.repeat(100_000)}`], many]) {
    const { text, ended } = await converse(server, (socket) => void socket.write(head(...headers)))
    expect(ended).toBe(true)
    expect(answersIn(text)).toEqual([{ status: 431, type: PROBLEM, code: 'too_large' }])
  }
  const long = await converse(server, (socket) => {
    socket.write(`GET /api/v1/prompts/${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  })
  expect(answersIn(long.text)).toMatchObject([{ type: PROBLEM, code: 'too_large' }])
  expectProblem(await api(server, 'GET /prompts', { key: 'x'.repeat(10_000) }), 401, 'unauthenticated')
  await expectUnharmed(server)
})

test('a client that asks before it sends is told to go on, or is refused without its body', async () => {
  const expecting = ['Expect: 100-continue', `Content-Length: ${BODY.length}`, 'Connection: close']
  const allowed = await converse(server, async (socket) => {
    socket.write(head(...expecting))
    await new Promise((resolve) => socket.once('data', resolve))
    socket.write(BODY)
  })
  expect(answersIn(allowed.text)).toMatchObject([{ status: 100 }, { status: 200 }])
  const other = await converse(
    server,
    (socket) => void socket.write(head('Expect: nonsense', 'Connection: close')),
  )
  expect(answersIn(other.text).map(({ status }) => status < 500)).toEqual([true])
  await expectUnharmed(server)
})
