import type { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { expectUnharmed, sharedApi } from '../../helpers/api.ts'
import { answersIn, converse } from '../../helpers/wire.ts'

const server = sharedApi()

/** The server looks every 2 seconds for clients whose time is up; a busy machine may come late. */
const LATE_SECONDS = 2 + 3

const TIMED_OUT = { status: 408, type: 'application/problem+json', code: 'invalid_input' }
const NEVER = { status: 401, type: 'application/problem+json', code: 'unauthenticated' }

const PUT = 'PUT /api/v1/admin/prompts/goals/system HTTP/1.1\r\nHost: localhost\r\n'
const JSON_OF_1000 = 'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"content":"'
const CHUNKED = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
const isAdmin = () => `Authorization: Bearer ${server.token}\r\n`

type Talk = (socket: Socket) => void | Promise<void>

/** Sends `text` and then, for ever, one byte of `more` after the other. */
function drip(text: string, more: string): Talk {
  return async (socket) => {
    socket.write(text)
    for (let at = 0; !socket.destroyed; at++) {
      await setTimeout(200)
      socket.write(more[at % more.length] ?? '')
    }
  }
}

/** What each of these clients is answered until it is hung up on, and after how many seconds that is. */
function fates(talks: Talk[]) {
  return Promise.all(
    talks.map(async (talk) => {
      const startedAt = Date.now()
      const { text, ended } = await converse(server, talk, 45_000)
      return { ended, answers: answersIn(text), seconds: (Date.now() - startedAt) / 1000 }
    }),
  )
}

/** Asks all the while that `work` takes, as a client that is not slow. */
async function servedDuring<Result>(work: Promise<Result>): Promise<Result> {
  let isOver = false
  const ended = work.finally(() => {
    isOver = true
  })
  while (!isOver) {
    const startedAt = Date.now()
    const { status } = await server.service('GET /prompts/vision')
    expect({ status, promptly: Date.now() - startedAt < 2_000 }).toEqual({ status: 200, promptly: true })
    await setTimeout(100)
  }
  return ended
}

function soonAfter(least: number) {
  return expect.toSatisfy((seconds: number) => seconds >= least - 0.5 && seconds <= least + LATE_SECONDS)
}

// At the same time: both wait for most of their time.
describe.concurrent('slow clients', () => {
  test('a client that is slow with its headers is hung up on after 10 seconds, others are served meanwhile', async () => {
    const slow = [
      drip('GET', ' /api/v1/prompts HTTP/1.1\r\nX-Padding: x'),
      drip(`${PUT}${isAdmin()}X-Padding: `, 'x'),
      drip(`${PUT}${isAdmin()}`, 'X-Padding: x\r\n'),
      // Says nothing at all.
      () => {},
    ]
    for (const fate of await servedDuring(fates(slow))) {
      expect(fate).toEqual({ ended: true, answers: [TIMED_OUT], seconds: soonAfter(10) })
    }
  })

  test('a client that is slow with its body is hung up on after 30 seconds, others are served meanwhile', async () => {
    const slow = [
      drip(`${PUT}${isAdmin()}${JSON_OF_1000}`, 'x'),
      drip(`${PUT}${isAdmin()}${CHUNKED}`, '1\r\nx\r\n'),
      drip(`POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: ${server.key}\r\n${JSON_OF_1000}`, 'x'),
      (socket: Socket) => void socket.write(`${PUT}${isAdmin()}${JSON_OF_1000}`),
    ]
    // Is refused at once, and does not keep its connection for longer than the others.
    const stranger = drip(`${PUT}${JSON_OF_1000}`, 'x')
    const [refused, ...others] = await servedDuring(fates([stranger, ...slow]))
    for (const fate of others) {
      expect(fate).toEqual({ ended: true, answers: [TIMED_OUT], seconds: soonAfter(30) })
    }
    expect({ ended: refused?.ended, first: refused?.answers[0] }).toEqual({ ended: true, first: NEVER })
    expect((await server.admin('GET /admin/prompts/goals/system')).headers.etag).toBe('"1"')
    await expectUnharmed(server)
  })
})
