import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ModelFailure, type ModelReply } from '../../src/domain/language-model.ts'
import { createModelClient, type ModelSession, type ModelSettings } from '../../src/services/models.ts'
import { failureOf } from '../helpers/errors.ts'
import { hang, type Reply, scriptedModel, transient } from '../helpers/scripted-model.ts'

const TIMEOUT_MS = 30_000
const REQUEST = {
  system: ['You are a coach.'],
  messages: [{ role: 'user' as const, content: 'Where do I begin?' }],
  maxTokens: 500,
  temperature: undefined,
  config: {},
}
const TOPIC = { topic_id: 'coaching', config: {} }

beforeEach(() => {
  vi.useFakeTimers()
  // The longest pauses.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const askOnce = (session: ModelSession) => session.ask(REQUEST)

/** A client of a model that gives these replies. */
function openClient(replies: Reply[], settings: Partial<ModelSettings> = {}) {
  const model = scriptedModel(...replies)
  const client = createModelClient({
    open: async () => model,
    fallback: 'fallback-model',
    timeoutMs: TIMEOUT_MS,
    ...settings,
  })
  const ask = (signal?: AbortSignal, work: (session: ModelSession) => Promise<ModelReply> = askOnce) =>
    client.withModel(TOPIC, signal, work)
  return { model, client, ask }
}

/** Lets the time pass, and all that is to happen by then. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** The milliseconds that `work` takes, and what it gives. */
async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now()
  const ended = work.then((result) => ({ result, ms: performance.now() - startedAt }))
  await vi.runAllTimersAsync()
  return ended
}

describe('a session', () => {
  it('asks the model of the topic, for plain text too, and counts what that took', async () => {
    const { client, model } = openClient([['Begin ', 'small.']])
    const topic = { topic_id: 'coaching', config: { default_model: 'own-model' } }
    const deltas: string[] = []
    const { reply, use } = await client.withModel(topic, undefined, async (session) => ({
      reply: await session.ask(REQUEST, (delta) => void deltas.push(delta)),
      use: session.use,
    }))
    expect(reply.answers).toEqual(['Begin small.'])
    expect(deltas).toEqual(['Begin ', 'small.'])
    expect(use).toEqual({ model: 'own-model', input_tokens: 10, output_tokens: 5, attempts: 1 })
    expect(model.requests).toEqual([{ ...REQUEST, model: 'own-model' }])
  })

  it('may ask several times, counted together', async () => {
    const { client } = openClient(['one', 'two'])
    const use = await client.withModel(TOPIC, undefined, async (session) => {
      await session.ask(REQUEST)
      await session.ask(REQUEST)
      return session.use
    })
    expect(use).toEqual({ model: 'fallback-model', input_tokens: 20, output_tokens: 10, attempts: 2 })
  })

  it('opens the provider once, when it is needed first', async () => {
    const open = vi.fn(async () => scriptedModel('one', 'two'))
    const { ask } = openClient([], { open })
    expect(open).not.toHaveBeenCalled()
    await ask()
    await ask()
    expect(open).toHaveBeenCalledOnce()
  })

  it.each([
    [{ override: 'one' }, 'own', 'one'],
    [{}, 'own', 'own'],
    [{}, undefined, 'fallback-model'],
  ])('has a model by %j and the topic (%s): %s', async (settings, default_model, expected) => {
    const { client, model } = openClient(['text'], settings)
    await client.withModel({ topic_id: 't', config: { default_model } }, undefined, askOnce)
    expect(model.requests[0]?.model).toBe(expected)
  })

  it.each([
    [{ open: undefined }, /PROMPTS_LLM/],
    [{ fallback: undefined }, /default_model.*PROMPTS_LLM_MODEL/],
  ])('is not for a client without a provider or a model: %j', async (settings, hint) => {
    const { ask } = openClient(['text'], settings)
    expect(await failureOf(() => ask())).toMatchObject({
      code: 'model_not_configured',
      operatorMessage: expect.stringMatching(hint),
    })
  })

  it('passes on what the work throws', async () => {
    const { ask } = openClient([])
    const broken = ask(undefined, () => Promise.reject(new RangeError('no')))
    await expect(broken).rejects.toThrow(RangeError)
  })
})

describe('retries', () => {
  it('are for transient failures, with a pause that doubles', async () => {
    const { ask, model } = openClient([transient(), transient(), transient(), 'text'])
    const { result, ms } = await timed(ask())
    expect(result.answers).toEqual(['text'])
    expect(model.requests).toHaveLength(4)
    expect(ms).toBe(200 + 400 + 800)
  })

  it('wait half of it at least, the rest by chance, and 5 seconds at most', async () => {
    vi.mocked(Math.random).mockReturnValue(1)
    const shortest = await timed(openClient([transient(), 'text']).ask())
    vi.mocked(Math.random).mockReturnValue(0)
    const longest = await timed(openClient([transient(), 'text']).ask())
    expect([shortest.ms, longest.ms]).toEqual([100, 200])
    const { ask } = openClient([...Array.from({ length: 7 }, transient), 'text'])
    const { ms } = await timed(ask())
    expect(ms).toBe(200 + 400 + 800 + 1_600 + 3_200 + 5_000 + 5_000)
  })

  it('wait at least as long as the provider says, with jitter', async () => {
    vi.mocked(Math.random).mockReturnValue(1)
    const busy = () => new ModelFailure('transient', 'Busy.', { retryAfterMs: 800 })
    expect((await timed(openClient([busy(), 'text']).ask())).ms).toBe(800)
    vi.mocked(Math.random).mockReturnValue(0)
    expect((await timed(openClient([busy(), 'text']).ask())).ms).toBe(900)
  })

  it('do not begin when their time would be up before', async () => {
    const busy = new ModelFailure('transient', 'Busy.', { retryAfterMs: 600_000 })
    const { ask, model } = openClient([busy, 'text'])
    const { result, ms } = await timed(failureOf(() => ask()))
    expect(result).toMatchObject({ code: 'model_error', message: 'Busy.' })
    expect(ms).toBe(0)
    expect(model.requests).toHaveLength(1)
  })

  it('go on while there is time, and end with the last failure', async () => {
    const { ask, model } = openClient(Array.from({ length: 40 }, transient), { timeoutMs: 60_000 })
    const { result, ms } = await timed(failureOf(() => ask()))
    expect(result).toMatchObject({ message: 'The model is busy.', modelUse: { attempts: 16 } })
    expect(model.requests).toHaveLength(16)
    expect(ms).toBeGreaterThan(50_000)
  })

  it('are told once to the person who waits, unless the wait is short', async () => {
    const told: string[] = []
    const onWait = (message: string) => void told.push(message)
    const down = () => new ModelFailure('transient', 'Down.', { operatorMessage: 'Start the server.' })
    const { client } = openClient([down(), 'one', ...Array.from({ length: 8 }, down), 'two'], { onWait })
    await timed(client.withModel(TOPIC, undefined, askOnce))
    expect(told).toEqual([])
    await timed(client.withModel(TOPIC, undefined, askOnce))
    expect(told).toEqual(['Waiting up to 30 seconds for the model. Start the server.'])
  })

  it.each(['incomplete', 'refused'] as const)('are not for what is %s', async (kind) => {
    const failure = new ModelFailure(kind, 'So.', { operatorMessage: 'So, operator.' })
    const { ask, model } = openClient([failure, 'text'])
    expect(await failureOf(() => ask())).toMatchObject({
      code: 'model_error',
      message: 'So.',
      operatorMessage: 'So, operator.',
      cause: failure,
      modelUse: { model: 'fallback-model', attempts: 1 },
    })
    expect(model.requests).toHaveLength(1)
  })

  it('are not for defects', async () => {
    const broken: Reply = () => Promise.reject(new RangeError('no'))
    await expect(openClient([broken, 'text']).ask()).rejects.toThrow(RangeError)
  })

  it('end once some of the answer was shown', async () => {
    const cut: Reply = async ({ onDelta }) => {
      onDelta?.('Begin ')
      throw transient()
    }
    let shown = ''
    const shownAlready = openClient([cut, 'text'])
    const asked = shownAlready.ask(undefined, (session) =>
      session.ask(
        REQUEST,
        (delta) => {
          shown += delta
        },
        () => shown !== '',
      ),
    )
    expect((await failureOf(() => asked)).code).toBe('model_error')
    expect(shownAlready.model.requests).toHaveLength(1)
    const notShown = openClient([cut, 'text']).ask(undefined, (session) => session.ask(REQUEST, () => {}))
    expect((await timed(notShown)).result.answers).toEqual(['text'])
  })

  it('count the tokens of failed attempts', async () => {
    const usage = { inputTokens: 7, outputTokens: 3 }
    const { ask } = openClient([
      new ModelFailure('transient', 'Busy.', { usage }),
      new ModelFailure('incomplete', 'So.', { usage }),
    ])
    const { result } = await timed(failureOf(() => ask()))
    expect(result).toMatchObject({ modelUse: { input_tokens: 14, output_tokens: 6, attempts: 2 } })
  })
})

describe('the time of a call', () => {
  it('is up after the timeout, whatever the model does', async () => {
    const deaf: Reply = () => new Promise(() => {})
    const { ask } = openClient([deaf], { timeoutMs: 1_000 })
    const { result, ms } = await timed(failureOf(() => ask()))
    expect(ms).toBe(1_000)
    expect(result).toMatchObject({
      code: 'model_error',
      message: 'The model gave no answer within 1 seconds.',
      modelUse: { attempts: 1 },
    })
  })

  it('is one for all attempts, and the error tells why the last one failed', async () => {
    const failure = new ModelFailure('transient', 'Busy.', { operatorMessage: 'Busy, operator.' })
    const { ask } = openClient([failure, hang], { timeoutMs: 1_000 })
    const { result, ms } = await timed(failureOf(() => ask()))
    expect(ms).toBe(1_000)
    expect(result).toMatchObject({
      message: 'The model gave no answer within 1 seconds. The last attempt: Busy.',
      operatorMessage: 'The model gave no answer within 1 seconds. The last attempt: Busy, operator.',
      modelUse: { attempts: 2 },
    })
  })

  it('includes the wait for a permit', async () => {
    const { ask } = openClient(
      Array.from({ length: 40 }, () => hang),
      { timeoutMs: 1_000 },
    )
    const running = Array.from({ length: 32 }, () => failureOf(() => ask()))
    await pass(500)
    const waiting = timed(failureOf(() => ask()))
    expect((await waiting).ms).toBe(1_000)
    await Promise.all(running)
  })

  it('ends during a pause, too', async () => {
    const caller = new AbortController()
    const { ask, model } = openClient([transient(), 'text'])
    const asked = failureOf(() => ask(caller.signal))
    await pass(50)
    caller.abort()
    expect(await asked).toMatchObject({
      message: 'The caller has gone away. The last attempt: The model is busy.',
    })
    await pass(10_000)
    expect(model.requests).toHaveLength(1)
  })
})

describe('a caller that goes away', () => {
  it('ends the call, at the model too', async () => {
    let reason: unknown
    const watching: Reply = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          reject(signal.reason)
        })
      })
    const { ask } = openClient([watching])
    const caller = new AbortController()
    const asked = failureOf(() => ask(caller.signal))
    await pass(50)
    caller.abort()
    const failure = await asked
    expect(failure).toMatchObject({ code: 'model_error', message: 'The caller has gone away.' })
    expect(reason).toBe(failure)
    expect(getEventListeners(caller.signal, 'abort')).toEqual([])
  })

  it('before the call asks no model', async () => {
    const { ask, model } = openClient(['text'])
    const failure = await failureOf(() => ask(AbortSignal.abort()))
    expect(failure).toMatchObject({ code: 'model_error', message: 'The caller has gone away.' })
    await pass(0)
    expect(model.requests).toEqual([])
  })

  it('leaves the queue', async () => {
    const { ask } = openClient(Array.from({ length: 200 }, () => hang))
    const leaving = Array.from({ length: 64 }, () => new AbortController())
    const running = Array.from({ length: 32 }, () => failureOf(() => ask()))
    const waiting = leaving.map(({ signal }) => failureOf(() => ask(signal)))
    await pass(0)
    expect((await failureOf(() => ask())).code).toBe('rate_limited')
    for (const caller of leaving) caller.abort()
    await Promise.all(waiting)
    const late = failureOf(() => ask())
    await pass(TIMEOUT_MS)
    await Promise.all(running)
    expect((await late).code).toBe('model_error')
  })
})

describe('at the same time', () => {
  it('32 calls run, 64 wait, more are refused', async () => {
    let finish: () => void = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const slow: Reply = async () => {
      await finished
      return 'text'
    }
    const { ask, model } = openClient(Array.from({ length: 200 }, () => slow))
    const asked = Array.from({ length: 32 + 64 }, () => ask())
    await pass(0)
    expect(model.requests).toHaveLength(32)
    expect(await failureOf(() => ask())).toMatchObject({ code: 'rate_limited', retryAfter: 2 })
    finish()
    expect(await Promise.all(asked)).toHaveLength(96)
  })

  it('a call that has failed makes room for another', async () => {
    const refused = () => new ModelFailure('refused', 'So.')
    const { ask } = openClient([...Array.from({ length: 100 }, refused), 'text'])
    for (let nth = 0; nth < 100; nth++) await failureOf(() => ask())
    expect((await ask()).answers).toEqual(['text'])
  })
})

describe('a shutdown', () => {
  it('ends what runs and what waits', async () => {
    const { ask, client } = openClient(Array.from({ length: 40 }, () => hang))
    const asked = Array.from({ length: 40 }, () => failureOf(() => ask()))
    await pass(0)
    client.abortAll()
    for (const failure of await Promise.all(asked)) {
      expect(failure).toMatchObject({ code: 'model_error', message: 'The server is shutting down.' })
    }
  })
})
