import { describe, expect, test } from 'vitest'
import { bedrockModel } from '../../../src/adapters/bedrock/model.ts'
import {
  broken,
  hang,
  message,
  type Reply,
  text,
  toolJson,
  toolUse,
} from '../../stand-ins/bedrock-replies.ts'
import { openBedrock, PROTOCOLS, request, structured, WAYS } from './bedrock.ts'

const REASON = new Error('the caller went away')
const SOON_MS = 100

const ANSWER = toolUse('give_analysis', { analysis: 'Five per cent below its threshold.' }, { size: 4 })

/** In which phases of a call it may end, and what makes it stay there. */
const PHASES: [phase: string, reply: Reply][] = [
  ['before an answer', hang()],
  ['after the headers', broken(message([]), 'stall')],
  ['before the first delta', broken(toolJson('give_analysis', ''), 'stall')],
  ['while it streams', { ...ANSWER, gapMs: 20 }],
  ['while a stream stands still', broken(ANSWER, 'stall')],
]

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test.each(PHASES)('%s an abort ends the call at once, at the other end too', async (_, reply) => {
    const { server, ask } = await openBedrock(protocol)
    server.enqueue(reply)
    const controller = new AbortController()
    const deltas: string[] = []
    const onDelta = (delta: string) => void deltas.push(delta)
    const call = ask(structured(), 'streamed', { signal: controller.signal, onDelta })
    call.catch(() => {})
    await expect.poll(() => server.requests.length).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50))

    const aborted = performance.now()
    controller.abort(REASON)
    const seen = deltas.length
    await expect(call).rejects.toBe(REASON)
    expect(performance.now() - aborted).toBeLessThan(SOON_MS)
    expect(await server.requests[0]?.ended).toBe('client gone')
    expect(performance.now() - aborted).toBeLessThan(SOON_MS)
    await expect.poll(() => server.connections).toBe(0)
    expect(deltas).toHaveLength(seen)
  })

  test.each([
    ['before an answer', hang()],
    ['in the middle of it', broken(ANSWER, 'stall')],
  ])('%s, without streaming, too', async (_, reply) => {
    const { server, ask } = await openBedrock(protocol)
    server.enqueue(reply)
    const controller = new AbortController()
    const call = ask(structured(), 'at once', { signal: controller.signal })
    call.catch(() => {})
    await expect.poll(() => server.requests.length).toBe(1)
    const aborted = performance.now()
    controller.abort(REASON)
    await expect(call).rejects.toBe(REASON)
    expect(await server.requests[0]?.ended).toBe('client gone')
    expect(performance.now() - aborted).toBeLessThan(SOON_MS)
  })
})

test.each(WAYS)('a call that is over before it begins sends nothing: %s', async (way) => {
  const { server, ask } = await openBedrock()
  await expect(ask(request(), way, { signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON)
  expect(server.requests).toEqual([])
})

test('a call that waits for credentials ends, too', async () => {
  const model = bedrockModel({ region: 'us-east-1', credentials: () => new Promise(() => {}) })
  const controller = new AbortController()
  const call = model.ask(request(), { signal: controller.signal })
  call.catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 20))
  controller.abort(REASON)
  await expect(call).rejects.toBe(REASON)
})

test('a reader that ends the call while it reads gets nothing more', async () => {
  const { server, ask } = await openBedrock()
  server.enqueue(text('A long answer in many pieces that all come at the same time.', { size: 1 }))
  const controller = new AbortController()
  let deltas = 0
  const onDelta = () => {
    deltas++
    controller.abort(REASON)
  }
  await expect(ask(request(), 'streamed', { signal: controller.signal, onDelta })).rejects.toBe(REASON)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(deltas).toBe(1)
})

test('a whole answer counts even if its stream does not end', async () => {
  const { server, ask } = await openBedrock()
  server.enqueue(broken(ANSWER, 'linger'))
  const begun = performance.now()
  expect((await ask(structured(), 'streamed')).answers).toHaveLength(1)
  expect(performance.now() - begun).toBeLessThan(1_000)
  await expect.poll(() => server.connections).toBe(0)
})
