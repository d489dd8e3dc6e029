import { expect, it } from 'vitest'
import { topicUsage } from '../../../src/adapters/memory/topic-usage.ts'

const HOUR = 3_600_000
const START = Date.parse('2026-01-01T00:30:00Z')

function setUp() {
  const time = { now: START }
  const usage = topicUsage(() => new Date(time.now))
  const call = (caller = 'key:a', ...served: string[]) =>
    usage.observe({
      kind: 'operation',
      name: 'x',
      caller,
      outcome: 'ok',
      durationMs: 1,
      requestId: 'r',
      served: served.length > 0 ? served : ['goals'],
    })
  return { time, usage, call, calls: () => usage.of('goals').calls }
}

it('counts the calls of this hour and the 23 before it', () => {
  const { time, call, calls } = setUp()
  for (let hour = 0; hour < 30; hour++) {
    call()
    call()
    expect(calls()).toBe(2 * Math.min(24, hour + 1))
    time.now += HOUR
  }
  expect(calls()).toBe(2 * 23)
  time.now += 21 * HOUR
  expect(calls()).toBe(2 * 2)
  time.now += HOUR
  call()
  expect(calls()).toBe(2 + 1)
  time.now += 1_000 * HOUR
  expect(calls()).toBe(0)
})

it('knows the last call, however long ago, and since when it counts', () => {
  const { time, usage, call } = setUp()
  const since = new Date(START)
  expect(usage.of('goals')).toEqual({ calls: 0, since })
  call('key:a', 'goals', 'vision')
  time.now += 100 * HOUR
  call('key:b', 'vision')
  expect(usage.of('goals')).toEqual({ calls: 0, last: { at: new Date(START), caller: 'key:a' }, since })
  const last = { at: new Date(time.now), caller: 'key:b' }
  expect(usage.of('vision')).toEqual({ calls: 1, last, since })
})

it('names no user, who may talk to a coach', () => {
  const { usage } = setUp()
  const event = { kind: 'operation', name: 'x', outcome: 'ok', durationMs: 1, requestId: 'r' } as const
  usage.observe({ ...event, caller: 'ada@example.com', role: 'user', served: ['goals'] })
  expect(usage.of('goals')).toMatchObject({ calls: 1, last: { caller: '(user)' } })
})

it('loses nothing when the clock is set back', () => {
  const { time, call, calls } = setUp()
  call()
  time.now -= 2 * HOUR
  call()
  time.now += 2 * HOUR
  call()
  expect(calls()).toBe(3)
})

it('counts a bounded number of topics, those that were used last', () => {
  const { usage, call } = setUp()
  for (let topic = 0; topic < 10_010; topic++) call('key:a', `topic_${topic}`)
  expect(usage.of('topic_0').calls).toBe(0)
  expect(usage.of('topic_10009').calls).toBe(1)
})
