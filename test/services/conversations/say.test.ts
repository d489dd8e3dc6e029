import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { ModelFailure } from '../../../src/domain/language-model.ts'
import { ANA, listening, startCoach, stepwise } from '../../helpers/coach.ts'
import { failureOf } from '../../helpers/errors.ts'
import { memoryConversations } from '../../helpers/memory-conversations.ts'
import { hang, transient } from '../../helpers/scripted-model.ts'

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a conversation', () => {
  it('sends the model the texts that it was started with, its history, and the settings of its topic', async () => {
    const config = { max_tokens: 300, temperature: 0.2, extra: 1 }
    const { model, say, get } = await startCoach([['Wel', 'come.'], 'Go on.'], { config })
    const first = await say('Hello')
    expect(first).toMatchObject({ turn: 1, hasAsked: true, answer: { content: 'Welcome.' } })
    expect(first.answer.use).toEqual({ model: 'a-model', input_tokens: 10, output_tokens: 5, attempts: 1 })
    const second = await say('More')
    expect(second.answer.context).toEqual({ turns_sent: 2, turns_left_out: 0 })
    expect(model.requests[1]).toEqual({
      model: 'a-model',
      system: ['You coach Ana.'],
      messages: [
        { role: 'user', content: 'Begin.\n\nHello' },
        { role: 'assistant', content: 'Welcome.' },
        { role: 'user', content: 'More' },
      ],
      maxTokens: 300,
      temperature: 0.2,
      config: { ...config, supports_streaming: true, default_model: 'a-model' },
    })
    const { turns, lease } = await get()
    expect({ said: turns.map(({ user, assistant }) => [user.content, assistant?.content]), lease }).toEqual({
      said: [
        ['Hello', 'Welcome.'],
        ['More', 'Go on.'],
      ],
      lease: undefined,
    })
  })

  it('streams only where its topic does', async () => {
    const { heard, listener } = listening()
    const { say } = await startCoach([['a', 'b']])
    await say('x', { listener })
    expect(heard).toEqual(['<begin>', 'a', 'b'])
    const silent = listening()
    const other = await startCoach([['a', 'b']], { config: { supports_streaming: false } })
    expect((await other.say('x', { listener: silent.listener })).answer.content).toBe('ab')
    expect(silent.heard).toEqual([])
  })

  it('is not reached by what happens to its topic', async () => {
    const { services, say, model } = await startCoach(['One.', 'Two.'])
    await say('a')
    const { publish } = await import('../../../src/services/publishing.ts')
    await publish(services, { topic_id: 'coach', by: 'test' }, (current) => {
      if (!current) throw new Error('gone')
      const { definition, texts } = current.content
      return { definition: { ...definition, is_active: false, config: { default_model: 'other' } }, texts }
    })
    await say('b')
    expect(model.requests.map(({ model, system }) => [model, system])).toEqual(
      Array(2).fill(['a-model', ['You coach Ana.']]),
    )
  })

  it('has as many turns as its topic allows, and then no more', async () => {
    const { say } = await startCoach(['One.', 'Two.', 'Three.'], { config: { max_turns: 2 } })
    await say('a')
    await say('b', { key: 'k' })
    expect(await failureOf(() => say('c'))).toMatchObject({ code: 'conflict', current: undefined })
    expect((await say('b', { key: 'k' })).answer.content).toBe('Two.')
  })
})

describe('a message', () => {
  it('of 16 KiB is taken, and a byte more is not', async () => {
    const { say } = await startCoach(['One.'])
    expect((await failureOf(() => say(`${'ä'.repeat(8_192)}.`))).code).toBe('too_large')
    expect((await say('ä'.repeat(8_192))).turn).toBe(1)
  })

  it('with a key is answered once', async () => {
    const { say, model } = await startCoach(['One.', 'Two.'])
    const first = await say('a', { key: 'k' })
    await say('b')
    const again = await say('a', { key: 'k' })
    expect(again).toMatchObject({ turn: 1, hasAsked: false, answer: first.answer })
    expect(model.requests).toHaveLength(2)
    const refused = await failureOf(() => say('other', { key: 'k' }))
    expect(refused).toMatchObject({ code: 'conflict', current: undefined })
  })

  it('with a key that is older than a day is another one', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    const { say } = await startCoach(['One.', 'Two.'], { clock: () => new Date(now) })
    await say('a', { key: 'k' })
    now += 24 * 60 * 60_000
    expect((await say('b', { key: 'k' })).turn).toBe(2)
  })

  it('that failed is asked again by its key or its text without being doubled, and goes before another', async () => {
    const failure = () => new ModelFailure('incomplete', 'The model stopped at its limit.')
    const { say, model, get } = await startCoach([
      failure(),
      failure(),
      'One.',
      failure(),
      failure(),
      'Three.',
    ])
    expect(await failureOf(() => say('a', { key: 'k1' }))).toMatchObject({ code: 'model_error' })
    const { id } = (await get()).turns[0]?.user ?? {}
    await failureOf(() => say('a', { key: 'k1' }))
    expect(await say('a', { key: 'k2' })).toMatchObject({ turn: 1, answer: { content: 'One.' } })
    expect((await get()).turns.map(({ user }) => user.id)).toEqual([id])
    // Each of its keys counts.
    for (const key of ['k1', 'k2']) expect((await say('a', { key })).hasAsked).toBe(false)
    await failureOf(() => say('b', { key: 'k3' }))
    await failureOf(() => say('c', { key: 'k4' }))
    expect((await failureOf(() => say('b', { key: 'k3' }))).message).toContain('gone on')
    expect(await say('c')).toMatchObject({ turn: 3, answer: { content: 'Three.' } })
    expect(model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'Begin.\n\na',
      'One.',
      'b\n\nc',
    ])
  })

  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
  ])('that is answered with %s fails, with what it has cost', async (_, nothing) => {
    const { say, get } = await startCoach([nothing])
    expect(await failureOf(() => say('a'))).toMatchObject({
      code: 'model_error',
      modelUse: { attempts: 1, input_tokens: 10 },
    })
    expect((await get()).turns.map(({ assistant }) => assistant)).toEqual([undefined])
  })

  it('is retried while nothing is said, and not after that', async () => {
    const { say } = await startCoach([transient(), 'One.'])
    expect((await say('a')).answer.use.attempts).toBe(2)
    const broken = stepwise()
    const other = await startCoach([broken.reply, 'Never.'])
    const failure = failureOf(() => other.say('a'))
    await broken.isAsked()
    broken.tell('On')
    broken.fail(transient())
    expect((await failure).code).toBe('model_error')
  })
})

describe('a turn that is being answered', () => {
  it('refuses another message, saying which and until when, or lets it wait', async () => {
    const slow = stepwise()
    const { say, get } = await startCoach([slow.reply, 'Two.'])
    const first = say('a')
    await slow.isAsked()
    const refused = await failureOf(() => say('b'))
    const { lease } = await get()
    const current = { turn: 1, started_at: lease?.started_at }
    expect(refused).toMatchObject({ code: 'conflict', current })
    expect(refused.retryAfter).toBeGreaterThan(10)
    expect(refused.retryAfter).toBeLessThanOrEqual(12)
    expect(await failureOf(() => say('b', { waitMs: 50 }))).toMatchObject({ code: 'conflict', current })
    const second = say('b', { waitMs: 5_000 })
    await soon(20)
    slow.end('One.')
    expect((await first).turn).toBe(1)
    expect((await second).turn).toBe(2)
  })

  it('is followed by its key from the beginning, goes on without anybody, and is paid for once', async () => {
    const slow = stepwise()
    const { say, model } = await startCoach([slow.reply])
    const caller = new AbortController()
    const [first, late] = [listening(), listening()]
    const lost = say('a', { key: 'k', listener: first.listener, signal: caller.signal })
    await slow.isAsked()
    slow.tell('One, ')
    caller.abort()
    const following = say('a', { key: 'k', listener: late.listener })
    await vi.waitFor(() => expect(late.heard).toEqual(['<begin>', 'One, ']))
    slow.end('two.')
    const { answer, hasAsked } = await following
    expect({ content: answer.content, hasAsked }).toEqual({ content: 'One, two.', hasAsked: false })
    expect(await lost).toMatchObject({ hasAsked: true, answer })
    expect(late.heard).toEqual(['<begin>', 'One, ', 'two.'])
    expect(first.heard).toEqual(['<begin>', 'One, ', 'two.'])
    expect(model.requests).toHaveLength(1)
  })

  it('fails for all who follow it, and its cost is told once', async () => {
    const slow = stepwise()
    const { say } = await startCoach([slow.reply])
    const [first, second] = [failureOf(() => say('a', { key: 'k' })), slow.isAsked()]
    await second
    const follower = failureOf(() => say('a', { key: 'k' }))
    await soon(20)
    slow.fail(new ModelFailure('refused', 'Unknown model.'))
    expect(await first).toMatchObject({ code: 'model_error', modelUse: { attempts: 1 } })
    expect(await follower).toMatchObject({ code: 'model_error', modelUse: undefined })
  })

  it('lets a follower go who no longer waits', async () => {
    const slow = stepwise()
    const { say } = await startCoach([slow.reply])
    const first = say('a', { key: 'k' })
    await slow.isAsked()
    const caller = new AbortController()
    const follower = failureOf(() => say('a', { key: 'k', signal: caller.signal }))
    await soon(20)
    caller.abort()
    expect((await follower).message).toContain('gone away')
    slow.end('One.')
    await first
  })

  it('is waited for on another instance until its answer is stored', async () => {
    const slow = stepwise()
    const { say, another, id, model } = await startCoach([slow.reply])
    const first = say('a', { key: 'k' })
    await slow.isAsked()
    const following = another().say(ANA, id, 'a', { key: 'k', waitMs: 0 })
    await soon(50)
    slow.end('One.')
    expect(await following).toMatchObject({ hasAsked: false, answer: (await first).answer })
    expect(model.requests).toHaveLength(1)
  })

  it('ends by cancelling, on its instance and on another: nothing half is kept, and it can be asked again', async () => {
    const { say, another, conversations, get, id, model } = await startCoach([hang, hang, 'One.'])
    const first = failureOf(() => say('a', { key: 'k' }))
    await vi.waitFor(() => expect(model.requests).toHaveLength(1))
    expect(await conversations.cancel(ANA, id)).toBe(true)
    expect(await conversations.cancel(ANA, id)).toBe(false)
    expect(await first).toMatchObject({ code: 'conflict', current: undefined, modelUse: { attempts: 1 } })
    const { lease, turns } = await get()
    expect({ lease, answers: turns.map(({ assistant }) => assistant) }).toEqual({
      lease: undefined,
      answers: [undefined],
    })
    const second = failureOf(() => say('a', { key: 'k' }))
    await vi.waitFor(() => expect(model.requests).toHaveLength(2))
    const follower = failureOf(() => another().say(ANA, id, 'a', { key: 'k', waitMs: 0 }))
    await soon(50)
    expect(await another().cancel(ANA, id)).toBe(true)
    expect((await follower).code).toBe('conflict')
    // The turn is over for everybody; its own instance hears of that when it renews the lease.
    expect((await say('a', { key: 'k' })).answer.content).toBe('One.')
    expect((await second).code).toBe('conflict')
  }, 10_000)

  it('stores nothing when it is erased', async () => {
    const slow = stepwise()
    const { say, conversations, store, id } = await startCoach([slow.reply])
    const first = failureOf(() => say('a'))
    await slow.isAsked()
    expect(await conversations.erase(ANA, id)).toEqual({ conversations: 1, messages: 1 })
    expect((await first).code).toBe('not_found')
    expect(slow.isAborted()).toBe(true)
    expect(await store.read(ANA, id)).toBeUndefined()
    expect((await failureOf(() => conversations.erase(ANA, id))).code).toBe('not_found')
  })

  it('ends when the server shuts down, and so does waiting for it', async () => {
    const { say, conversations, get, another, id, model } = await startCoach([hang])
    const first = failureOf(() => say('a', { key: 'k' }))
    await vi.waitFor(() => expect(model.requests).toHaveLength(1))
    const waiter = failureOf(() => say('b', { waitMs: 20_000 }))
    const elsewhere = another()
    const follower = failureOf(() => elsewhere.say(ANA, id, 'a', { key: 'k', waitMs: 0 }))
    await soon(20)
    elsewhere.abortAll()
    expect((await follower).code).toBe('unavailable')
    conversations.abortAll()
    expect((await first).code).toBe('unavailable')
    expect((await waiter).code).toBe('unavailable')
    expect((await get()).lease).toBeUndefined()
    expect((await failureOf(() => say('c'))).code).toBe('unavailable')
  })
})

describe('at the same time', () => {
  it('of many with one key one asks, and all get its answer', async () => {
    const { say, another, id, model } = await startCoach(['One.', 'Two.'])
    const elsewhere = another()
    const asked = Array.from({ length: 10 }, (_, at) =>
      at % 2 === 0 ? say('a', { key: 'k' }) : elsewhere.say(ANA, id, 'a', { key: 'k', waitMs: 0 }),
    )
    const answers = await Promise.all(asked)
    expect(answers.filter(({ hasAsked }) => hasAsked)).toHaveLength(1)
    expect(new Set(answers.map(({ answer }) => answer.id)).size).toBe(1)
    expect(model.requests).toHaveLength(1)
  })

  it('of many others each is a turn of its own, or hears that it is busy', async () => {
    const { say, get } = await startCoach(Array(20).fill('Yes.'))
    const asked = Array.from({ length: 20 }, (_, at) =>
      say(`m${at}`).then(
        ({ turn }) => turn,
        ({ code }: AppError) => code,
      ),
    )
    const outcomes = await Promise.all(asked)
    const answered = outcomes.filter((outcome) => typeof outcome === 'number').sort()
    const { turns } = await get()
    expect(answered).toEqual(turns.map(({ turn }) => turn))
    expect(new Set(outcomes.filter((outcome) => typeof outcome === 'string'))).toEqual(new Set(['conflict']))
  })
})

describe('when the store', () => {
  const outage = () => new AppError('unavailable', 'The store is away.')
  /** A store of which some methods fail a number of times, before or after they did what they should. */
  function faulty(
    fails: Partial<Record<'finishTurn' | 'beginTurn' | 'renewLease', number>>,
    isAfter = false,
  ) {
    const store = memoryConversations()
    const left = { finishTurn: 0, beginTurn: 0, renewLease: 0, ...fails }
    const wrap =
      <A extends unknown[], R>(name: keyof typeof left, work: (...given: A) => Promise<R>) =>
      async (...given: A): Promise<R> => {
        const isFault = left[name]-- > 0
        if (isFault && !isAfter) throw outage()
        const answer = await work(...given)
        if (isFault) throw outage()
        return answer
      }
    return {
      ...store,
      finishTurn: wrap('finishTurn', store.finishTurn),
      beginTurn: wrap('beginTurn', store.beginTurn),
      renewLease: wrap('renewLease', store.renewLease),
    }
  }

  it.each([
    ['before the answer is stored', false],
    ['after it', true],
  ])('is away for a moment, %s: no answer is lost', async (_, isAfter) => {
    const { say, model, get } = await startCoach(['One.'], { store: faulty({ finishTurn: 3 }, isAfter) })
    expect((await say('a')).answer.content).toBe('One.')
    expect((await get()).turns).toHaveLength(1)
    expect(model.requests).toHaveLength(1)
  })

  it.each([
    ['does not store the message', false],
    ['stores the message and does not say so', true],
  ])('%s, the same key asks again, and the message is there once', async (_, isAfter) => {
    const { say, model, get } = await startCoach(['One.'], { store: faulty({ beginTurn: 1 }, isAfter) })
    expect((await failureOf(() => say('a', { key: 'k' }))).code).toBe('unavailable')
    expect((await say('a', { key: 'k' })).answer.content).toBe('One.')
    expect((await get()).turns).toHaveLength(1)
    expect(model.requests).toHaveLength(1)
  })

  it('is away for longer than the lease, the caller hears it, and the answer is asked for again', async () => {
    const clock = { now: Date.now() }
    const store = faulty({ finishTurn: 2 })
    const { say } = await startCoach(['One.', 'Two.'], { store, clock: () => new Date(clock.now) })
    const first = failureOf(() => say('a', { key: 'k' }))
    await soon(20)
    clock.now += 12_000
    expect(await first).toMatchObject({ code: 'unavailable', modelUse: { attempts: 1 } })
    expect((await say('a', { key: 'k' })).answer.content).toBe('Two.')
  })
})
