import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import type { Caller } from '../../src/domain/caller.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { CallEvent } from '../../src/domain/telemetry.ts'
import { createPipeline } from '../../src/pipeline/execute.ts'
import { defineOperation, type Operation } from '../../src/pipeline/operation.ts'
import { type CachedResponse, type Result, responseBody, responseJson } from '../../src/pipeline/result.ts'
import { failureOf } from '../helpers/errors.ts'
import { openServices } from '../helpers/services.ts'

const ADMIN: Caller = { kind: 'token', subject: 'ada', role: 'admin', limitKey: 'ada' }
const SERVICE: Caller = { kind: 'key', subject: 'key:robot', role: 'service', limitKey: 'robot' }

/** Whether the parts of a pipeline have their answers in memory. */
type When = 'at once' | 'later'

/** A pipeline whose every step writes down that it ran; `answer` is what the operation's handler does. */
async function openPipeline(
  when: When,
  answer: () => unknown = () => ({ data: { count: 1 } }),
  remaining = 1,
  record: Partial<Operation> = {},
) {
  const answered = <T>(part: () => T) => (when === 'later' ? Promise.resolve().then(part) : part())
  const services = await openServices()
  const steps: string[] = []
  const events: CallEvent[] = []
  const defects: unknown[] = []
  const { execute, inFlight } = createPipeline({
    services,
    limiter: {
      consume(key, limit, cost) {
        steps.push(`limit ${key} ${limit} ${cost}`)
        return answered(() => ({ allowed: remaining >= cost, limit: 7, remaining: 0, resetSeconds: 2.2 }))
      },
    },
    observe: (event) => void events.push(event),
    warnOperator: () => {},
    reportDefect: (error, requestId) => defects.push([error, requestId]),
  })
  const operation = defineOperation({
    name: 'things.count',
    title: 'Count things',
    summary: 'Counts things.',
    role: 'admin',
    effect: 'read',
    limit: 'admin',
    cache: 'none',
    input: z.strictObject({
      topic_id: z.string().optional(),
      prompt_type: z.string().optional(),
      secret: z.number().optional(),
      nested: z.record(z.string(), z.number()).optional(),
    }),
    output: z.object({ count: z.int() }),
    ...(record as object),
    run(_, input) {
      steps.push(`run ${JSON.stringify(input)}`)
      return answered(() => answer() as Result<{ count: number }>)
    },
  })
  const call = (input: unknown, caller = ADMIN, isCounted?: true) =>
    execute(operation, input, { caller, requestId: 'r1', ...(isCounted && { isCounted }) })
  onTestFinished(() => expect(inFlight()).toBe(0))
  return { call, services, steps, events, defects }
}

describe.each<When>(['at once', 'later'])('the pipeline, with parts that answer %s', (when) => {
  const pipeline = (answer?: () => unknown, remaining?: number) => openPipeline(when, answer, remaining)

  it('answers what the operation answers, and writes it down once', async () => {
    const { call, steps, events, defects } = await pipeline(() => ({
      data: { count: 3 },
      meta: { revision: 2 },
    }))
    expect(await call({ topic_id: 't', prompt_type: 'user' })).toEqual({
      data: { count: 3 },
      meta: { revision: 2 },
    })
    expect(steps).toEqual(['limit ada admin 1', 'run {"topic_id":"t","prompt_type":"user"}'])
    expect(events).toEqual([
      {
        kind: 'operation',
        name: 'things.count',
        caller: 'ada',
        role: 'admin',
        topic_id: 't',
        prompt_type: 'user',
        outcome: 'ok',
        revision: 2,
        durationMs: expect.any(Number),
        requestId: 'r1',
      },
    ])
    expect(defects).toEqual([])
  })

  it('forbids before it takes from the limit, looks at the input or runs anything', async () => {
    const { call, steps, events } = await pipeline(undefined, 0)
    expect((await failureOf(() => call({ unknown: 1 }, SERVICE))).code).toBe('forbidden')
    expect(steps).toEqual([])
    expect(events).toMatchObject([{ caller: 'key:robot', role: 'service', outcome: 'forbidden' }])
    expect(events).toMatchObject([{ name: 'things.count', outcome: 'forbidden' }])
  })

  it('limits before it looks at the input, and says when to come back', async () => {
    const { call, steps, events } = await pipeline(undefined, 0)
    const error = await failureOf(() => call({ unknown: 1 }))
    expect([error.code, error.retryAfter]).toEqual(['rate_limited', 3])
    expect(steps).toEqual(['limit ada admin 1'])
    expect(events).toMatchObject([{ outcome: 'rate_limited' }])
  })

  it('takes nothing from the limit of callers without one, and nothing twice', async () => {
    const { call, steps } = await pipeline(undefined, 0)
    await call({}, { kind: 'local', subject: 'local', role: 'admin' })
    await call({}, ADMIN, true)
    expect(steps).toEqual(['run {}', 'run {}'])
  })

  it('refuses faulty input before it runs anything, every fault at once', async () => {
    const { call, steps } = await pipeline()
    const error = await failureOf(() => call({ topic_id: 1, secret: 'x', colour: 'red' }))
    expect(error.errors?.map(({ path }) => path)).toEqual(['topic_id', 'secret', 'colour'])
    expect(steps).toEqual(['limit ada admin 1'])
    for (const input of [undefined, null, [], 'text', 1]) {
      expect((await failureOf(() => call(input))).code, JSON.stringify(input)).toBe('invalid_input')
    }
  })

  it('says of a wrong value that it is wrong, and of a missing one that it is missing', async () => {
    const { call } = await pipeline()
    const { errors } = await failureOf(() => call({ secret: 'x' }))
    expect(errors).toEqual([{ path: 'secret', expected: 'number', message: 'expected number.' }])
  })

  it('refuses input that nests without end', async () => {
    const { call } = await pipeline()
    let nested: unknown = 1
    for (let depth = 0; depth < 100_000; depth++) nested = [nested]
    expect((await failureOf(() => call({ nested }))).code).toBe('too_large')
  })

  it('passes failures on purpose on as they are', async () => {
    const refusal = new AppError('not_found', 'There is none.')
    const { call, defects, events } = await pipeline(() => {
      throw refusal
    })
    expect(await failureOf(() => call({}))).toBe(refusal)
    expect(defects).toEqual([])
    expect(events).toMatchObject([{ name: 'things.count', outcome: 'not_found' }])
  })

  it('turns a defect into "internal", reports its cause and tells the caller nothing of it', async () => {
    const defect = new TypeError('password=hunter2')
    const { call, defects, events } = await pipeline(() => {
      throw defect
    })
    const error = await failureOf(() => call({}))
    expect([error.code, error.message]).toEqual([
      'internal',
      'Something went wrong on our side; the server log says more.',
    ])
    expect(defects).toEqual([[defect, 'r1']])
    expect(events).toMatchObject([{ outcome: 'internal' }])
  })

  it('never answers what does not match the output schema', async () => {
    const { call, defects, events } = await pipeline(() => ({ data: { count: 'many' } }))
    expect((await failureOf(() => call({}))).code).toBe('internal')
    expect(String((defects[0] as unknown[])[0])).toContain(
      'things.count answered what its schema does not allow',
    )
    expect(events).toMatchObject([{ name: 'things.count', outcome: 'internal' }])
  })

  it('marks answers while the store is out of reach', async () => {
    const { call, services } = await pipeline(() => ({ data: { count: 1 }, meta: { revision: 4 } }))
    services.catalog.staleSince = () => new Date('2030-01-01T00:00:00Z')
    expect((await call({})).meta).toEqual({ revision: 4, stale: true, as_of: '2030-01-01T00:00:00.000Z' })
  })
})

describe('the audit line', () => {
  const SECRET = 'S3CRET value!'

  it('holds no value of the input, whether it is refused or not', async () => {
    const { call, events } = await openPipeline('later')
    const inputs = [
      { topic_id: SECRET, prompt_type: SECRET },
      { secret: SECRET },
      { [SECRET]: SECRET },
      { nested: { [SECRET]: SECRET, fine: SECRET } },
      { topic_id: 'constructor', secret: 5 },
      SECRET,
    ]
    await Promise.allSettled(inputs.map(async (input) => call(input)))
    expect(events).toHaveLength(inputs.length)
    expect(JSON.stringify(events)).not.toContain('S3CRET')
    expect(JSON.stringify(events)).not.toContain('constructor')
  })

  it('names refused fields, but only by names that are identifiers', async () => {
    const { call, events } = await openPipeline('later')
    await failureOf(() => call({ secret: 'x', Colour: 1, nested: { fine: 'x', 'not fine': 'x' } }))
    expect(events[0]?.refused).toEqual(['secret', 'nested.fine', '(unknown name)', '(unknown name)'])
  })

  it('has no names where nothing was refused', async () => {
    const { call, events } = await openPipeline('later')
    await call({})
    expect(JSON.stringify(events[0])).not.toContain('refused')
  })
})

describe('what a record says', () => {
  it('lets only the kinds of callers call that it names, and says which', async () => {
    const { call, steps } = await openPipeline('later', undefined, 1, { callers: ['session', 'local'] })
    const error = await failureOf(() => call({}))
    expect([error.code, error.message]).toEqual([
      'forbidden',
      'This is for callers with a session or local, not with a token.',
    ])
    expect(steps).toEqual([])
    await call({}, { kind: 'local', subject: 'ada', role: 'admin' })
    expect(steps).toEqual(['run {}'])
  })

  it('decides what the audit line is about', async () => {
    const about: Operation['about'] = ({ prompt_type }) => ({ topic_id: prompt_type })
    const { call, events } = await openPipeline('later', undefined, 1, { about })
    await call({ topic_id: 'a', prompt_type: 'b' })
    expect(events).toMatchObject([{ topic_id: 'b' }])
    expect(events[0]?.prompt_type).toBeUndefined()
  })
})

describe('a cached answer', () => {
  it('is checked when it is made, and not again', async () => {
    const cached: CachedResponse = { bytes: Buffer.from('{"data":{"count":1}}') }
    let data: unknown = { count: 1 }
    const { call } = await openPipeline('at once', () => ({ data, cached }))
    expect((await call({})).cached).toBe(cached)
    expect(cached.isChecked).toBe(true)
    data = { count: 'not looked at' }
    expect((await call({})).data).toBe(data)
  })

  it('is not sent while the store is out of reach: what is sent says so', async () => {
    const { call, services } = await openPipeline('at once', () => ({
      data: { count: 1 },
      cached: { json: '{"data":{"count":1}}' },
    }))
    services.catalog.staleSince = () => new Date('2030-01-01T00:00:00Z')
    const result = await call({})
    expect(JSON.parse(responseJson(result))).toEqual({
      data: { count: 1 },
      meta: { stale: true, as_of: '2030-01-01T00:00:00.000Z' },
    })
  })
})

it('tells observers what a model was used for, and callers not', async () => {
  const use = { model: 'm', input_tokens: 1, output_tokens: 2, attempts: 1 }
  const { call, events } = await openPipeline('later', () => ({ data: { count: 1 }, use }))
  const result = await call({})
  expect(events).toMatchObject([{ use }])
  expect(responseBody(result)).toEqual({ data: { count: 1 } })
})
