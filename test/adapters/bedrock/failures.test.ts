import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { bedrockModel } from '../../../src/adapters/bedrock/model.ts'
import {
  broken,
  exception,
  hang,
  httpError,
  message,
  reset,
  STREAM_EXCEPTIONS,
  text,
  throttled,
  toolJson,
  toolUse,
} from '../../stand-ins/bedrock-replies.ts'
import {
  failureOf,
  MODEL,
  openBedrock,
  PROMPT,
  PROTOCOLS,
  request,
  shownOf,
  structured,
  WAYS,
} from './bedrock.ts'

const ANSWER = { analysis: 'CANARY-ANSWER: five per cent below.' }
const CANARY = /CANARY/

describe.each(WAYS)('%s', (way) => {
  test.each([
    ['ThrottlingException', 429, 'transient', /asked too much/],
    ['ServiceUnavailableException', 503, 'transient', /out of order/],
    ['InternalServerException', 500, 'transient', /out of order/],
    ['ModelTimeoutException', 408, 'transient', /out of order/],
    ['ModelNotReadyException', 429, 'transient', /asked too much/],
    ['ModelErrorException', 424, 'transient', /out of order/],
    ['SomethingNewException', 502, 'transient', /out of order/],
    ['ValidationException', 400, 'refused', /does not take the request/],
    ['ResourceNotFoundException', 404, 'refused', /does not take the request/],
    ['ServiceQuotaExceededException', 400, 'refused', /does not take the request/],
    ['AccessDeniedException', 403, 'refused', /cannot be used as it is set up/],
    ['ExpiredTokenException', 403, 'refused', /cannot be used as it is set up/],
    ['UnrecognizedClientException', 403, 'refused', /cannot be used as it is set up/],
    ['SomethingNewException', 400, 'refused', /does not take the request/],
  ])('%s (%i) is %s, and there is one attempt', async (type, status, kind, sentence) => {
    const { server, ask } = await openBedrock()
    server.always(httpError(type, status, `Bedrock says ${type}.`))
    const failure = await failureOf(ask(structured(), way))
    expect(failure).toMatchObject({ kind, message: expect.stringMatching(sentence) })
    expect(failure.operatorMessage).toContain(`bedrock:InvokeModel on ${MODEL}: `)
    expect(failure.operatorMessage).toContain(type)
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    [
      'AccessDeniedException',
      "You don't have access to the model.",
      /bedrock:InvokeModelWithResponseStream.*"Model access"/,
    ],
    [
      'ResourceNotFoundException',
      'This model version has reached the end of its life.',
      /is offered no more.*end of its life/,
    ],
    [
      'ValidationException',
      `Invocation of model ID ${MODEL} with on-demand throughput isn’t supported.`,
      /inference profile.*us\.anthropic/,
    ],
    ['ValidationException', 'The provided model identifier is invalid.', /no such model in this region/],
    ['ValidationException', "This model doesn't support tool use.", /forced tool/],
    [
      'ValidationException',
      'The guardrail identifier or version provided in the request does not exist.',
      /config\.guardrail/,
    ],
    [
      'ValidationException',
      'The maximum tokens you requested exceeds the model limit of 4096.',
      /config\.max_tokens/,
    ],
    [
      'ExpiredTokenException',
      'The security token included in the request is expired',
      /credentials have expired/,
    ],
    ['InvalidSignatureException', 'Signature expired: 2026 is now earlier than 2027', /clock/],
  ])('the operator learns what to do: %s, %s', async (type, said, advice) => {
    const { server, ask } = await openBedrock()
    server.always(httpError(type, 400, said))
    expect((await failureOf(ask(structured(), way))).operatorMessage).toMatch(advice)
  })

  test('a prompt that is too long is reported to its caller', async () => {
    const { server, ask } = await openBedrock()
    server.always(httpError('ValidationException', 400, 'Input is too long for requested model.'))
    const failure = await failureOf(ask(structured(), way))
    expect(failure).toMatchObject({ kind: 'refused', message: 'The prompt is too long for the model.' })
  })

  test.each([
    ['max_tokens', /longer than the model may write/, /config\.max_tokens/],
    ['model_context_window_exceeded', /too long for the model/, /context window/],
    ['content_filtered', /content filter stopped/, /another model/],
    ['guardrail_intervened', /guardrail stopped/, /config\.guardrail/],
    ['malformed_tool_use', /in the form/, /temperature/],
    ['malformed_model_output', /cannot be read/, /temperature/],
    ['something_new', /before its answer was whole/, /something_new/],
  ])('an answer that stops with %s is never a short success', async (stopReason, message, advice) => {
    const { server, ask } = await openBedrock()
    server.always(toolUse('give_analysis', ANSWER, { stopReason }))
    const failure = await failureOf(ask(structured(), way))
    expect(failure.kind).toBe('incomplete')
    expect(failure.message).toMatch(message)
    expect(failure.operatorMessage).toMatch(advice)
    expect(failure.usage).toEqual({ inputTokens: expect.any(Number), outputTokens: expect.any(Number) })
    expect(failure.usage?.outputTokens).toBeGreaterThan(0)
  })

  test.each(PROTOCOLS)('a connection that breaks is passing: %s', async (protocol) => {
    const { server, ask } = await openBedrock(protocol)
    server.enqueue(reset())
    expect(await failureOf(ask(structured(), way))).toMatchObject({ kind: 'transient' })
    await server.stop()
    const failure = await failureOf(ask(structured(), way))
    expect(failure).toMatchObject({ kind: 'transient', message: 'The model is out of reach.' })
    expect(failure.operatorMessage).toMatch(/ECONNREFUSED/)
  })

  test.each(PROTOCOLS)('an answer of 2 MB is cut off: %s', async (protocol) => {
    const { server, ask } = await openBedrock(protocol)
    const input = { analysis: 'x'.repeat(2_000_000) }
    server.enqueue(toolUse('give_analysis', input, { size: 50_000, gapMs: 1 }))
    const failure = await failureOf(ask(structured(), way))
    expect(failure).toMatchObject({ kind: 'incomplete', message: expect.stringMatching(/larger than 1 MiB/) })
    await expect.poll(() => server.connections).toBe(0)
  })

  test('nothing of prompts, answers or credentials is told', async () => {
    const { server, ask } = await openBedrock()
    const faults = [
      httpError('ValidationException', 400, `Malformed input: "${PROMPT}" is not allowed.`),
      httpError('ValidationException', 400, `Malformed input: "${PROMPT.slice(0, 20)}…`),
      httpError('SignatureDoesNotMatch', 403, 'The canonical string should have been CANARY-SECRET'),
      httpError('ModelErrorException', 424, 'The model said CANARY-ANSWER and stopped.'),
      toolUse('give_analysis', ANSWER, { stopReason: 'max_tokens' }),
      broken(toolUse('give_analysis', ANSWER), exception('modelStreamErrorException', 'CANARY-ANSWER')),
      broken(toolUse('give_analysis', ANSWER), exception('somethingNewException', 'CANARY-ANSWER')),
    ]
    for (const fault of faults) {
      server.enqueue(fault)
      const outcome = await ask(structured(), way).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(shownOf(outcome)).not.toMatch(CANARY)
      else expect(way).toBe('at once')
    }
  })

  test.each([
    { guardrail: { guardrail_id: 'gr-1' } },
    { guardrail: 'gr-1' },
    { guardrail: { guardrail_id: 'gr-1', guardrail_version: '1', tracing: true } },
    { performance_config: { latency: 'fast' } },
    { additional_model_request_fields: [] },
  ])('settings that are not valid are refused before anything is asked: %j', async (config) => {
    const { server, ask } = await openBedrock()
    const failure = await failureOf(ask(structured({ config }), way))
    expect(failure.kind).toBe('refused')
    expect(failure.operatorMessage).toContain(`config.${Object.keys(config)[0]}`)
    expect(server.requests).toEqual([])
  })
})

describe.each(PROTOCOLS)('a stream over %s', (protocol) => {
  test.each(STREAM_EXCEPTIONS)('that tells of a %s', async (type) => {
    const { server, ask } = await openBedrock(protocol)
    const kind = type === 'validationException' ? 'refused' : 'transient'
    server.enqueue(broken(toolUse('give_analysis', ANSWER), exception(type)))
    expect(await failureOf(ask(structured(), 'streamed'))).toMatchObject({ kind })
  })

  test.each(['end', 'reset'] as const)(
    'that is cut (%s) after something was seen is passing',
    async (how) => {
      const { server, ask } = await openBedrock(protocol)
      server.enqueue(broken(toolUse('give_analysis', ANSWER), how))
      const deltas: string[] = []
      const onDelta = (delta: string) => void deltas.push(delta)
      const failure = await failureOf(ask(structured(), 'streamed', { onDelta }))
      expect(failure).toMatchObject({ kind: 'transient', message: expect.stringMatching(/broke off/) })
      expect(deltas.join('')).toBe(JSON.stringify(ANSWER))
    },
  )

  test.each(['end', 'reset'] as const)(
    'that is cut (%s) before anything was seen is passing',
    async (how) => {
      const { server, ask } = await openBedrock(protocol)
      // Text besides the tool is nothing that anybody sees.
      server.enqueue(broken(text('Let me look.'), how), broken(toolJson('give_analysis', ''), how))
      for (let nth = 1; nth <= 2; nth++) {
        expect(await failureOf(ask(structured(), 'streamed'))).toMatchObject({ kind: 'transient' })
      }
    },
  )
})

describe.each(PROTOCOLS)('an answer at once over %s', (protocol) => {
  test.each(['end', 'reset'] as const)('that is cut (%s) is passing', async (how) => {
    const { server, ask } = await openBedrock(protocol)
    server.enqueue(broken(toolUse('give_analysis', ANSWER), how))
    const failure = await failureOf(ask(structured(), 'at once'))
    expect(failure).toMatchObject({ kind: 'transient', message: 'The model is out of reach.' })
    expect(shownOf(failure)).not.toMatch(CANARY)
  })
})

test('an exception before any other event is told like an error of HTTP', async () => {
  const { server, ask } = await openBedrock()
  server.enqueue(broken(message([]), exception('throttlingException')))
  expect(await failureOf(ask(structured(), 'streamed'))).toMatchObject({ kind: 'transient' })
})

test('what a reader of deltas throws is passed on, and ends the call', async () => {
  const { server, ask } = await openBedrock()
  server.enqueue(toolUse('give_analysis', ANSWER, { gapMs: 20 }))
  const onDelta = () => {
    throw new RangeError('no more')
  }
  await expect(ask(structured(), 'streamed', { onDelta })).rejects.toThrow(RangeError)
  expect(await server.requests[0]?.ended).toBe('client gone')
})

test('without a region the operator learns what to set', async () => {
  const model = bedrockModel({
    region: async (): Promise<string> => {
      throw new Error('Region is missing')
    },
  })
  const failure = await failureOf(model.ask(request(), { signal: new AbortController().signal }))
  expect(failure).toMatchObject({ kind: 'refused', operatorMessage: expect.stringMatching(/Set AWS_REGION/) })
})

test('without credentials the operator learns what to set', async () => {
  const credentials = async () => {
    throw Object.assign(new Error('CANARY-SECRET'), { name: 'CredentialsProviderError' })
  }
  const model = bedrockModel({ region: 'us-east-1', credentials })
  const failure = await failureOf(model.ask(request(), { signal: new AbortController().signal }))
  expect(failure).toMatchObject({
    kind: 'refused',
    operatorMessage: expect.stringMatching(/no AWS credentials/),
  })
  expect(shownOf(failure)).not.toMatch(CANARY)
})

test('200 faulty calls leave neither broken connections nor memory nor listeners behind', async () => {
  const { server, ask } = await openBedrock()
  const answer = toolUse('give_analysis', { analysis: 'x'.repeat(50_000) }, { size: 5_000 })
  const faults = [
    throttled(),
    reset(),
    hang(),
    broken(answer, exception('modelStreamErrorException')),
    broken(answer, 'stall'),
    broken(answer, 'end'),
    broken(answer, 'reset'),
    toolUse('give_analysis', ANSWER, { stopReason: 'max_tokens' }),
    toolUse('give_analysis', { analysis: 'x'.repeat(2_000_000) }, { size: 500_000 }),
  ]
  const signals: AbortSignal[] = []
  async function call(nth: number): Promise<void> {
    const controller = new AbortController()
    signals.push(controller.signal)
    const timer = setTimeout(() => controller.abort(new Error('time is up')), 200)
    const way = nth % 2 ? 'at once' : 'streamed'
    const outcome = await ask(structured(), way, { signal: controller.signal }).catch(
      (error: unknown) => error,
    )
    clearTimeout(timer)
    // Of an exception that only a stream can tell Converse knows nothing.
    expect(outcome instanceof Error || way === 'at once').toBe(true)
  }
  async function calls(count: number): Promise<number> {
    for (let nth = 0; nth < count; nth += 10) {
      // Several at a time share what there is to share.
      const batch = Array.from({ length: 10 }, (_, index) => nth + index)
      server.enqueue(...batch.map((number) => faults[number % faults.length] ?? hang()))
      await Promise.all(batch.map(call))
    }
    server.reset()
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const before = await calls(60)
  const after = await calls(200)
  // Good ones are kept for the next call; there were never more than ten at a time.
  await expect.poll(() => server.connections).toBeLessThanOrEqual(10)
  expect(signals.flatMap((signal) => getEventListeners(signal, 'abort'))).toEqual([])
  // To keep the answers would take ten times as much.
  expect(after - before).toBeLessThan(2 * 1024 * 1024)
}, 60_000)

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
