import { NodeHttp2Handler } from '@smithy/node-http-handler'
import { onTestFinished } from 'vitest'
import { type BedrockOptions, bedrockModel } from '../../../src/adapters/bedrock/model.ts'
import {
  type AnswerFormat,
  type AskOptions,
  ModelFailure,
  type ModelRequest,
} from '../../../src/domain/language-model.ts'
import { startBedrockRuntime } from '../../stand-ins/bedrock-runtime.ts'

export const MODEL = 'anthropic.claude-sonnet-4-20250514-v1:0'
export const PROMPT = 'CANARY-PROMPT: revenue is 95000, the threshold is 100000.'

export const FORMAT: AnswerFormat = {
  name: 'give_analysis',
  description: 'Gives the analysis.',
  schema: { type: 'object', properties: { analysis: { type: 'string' } }, required: ['analysis'] },
}

export const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: MODEL,
  system: [],
  messages: [{ role: 'user', content: PROMPT }],
  maxTokens: 256,
  temperature: undefined,
  config: {},
  ...more,
})

export const structured = (more: Partial<ModelRequest> = {}) => request({ format: FORMAT, ...more })

export const PROTOCOLS = ['HTTP/2', 'HTTP/1.1'] as const
export const WAYS = ['at once', 'streamed'] as const

/** The stand-in and a model that asks it. */
export async function openBedrock(
  protocol: (typeof PROTOCOLS)[number] = 'HTTP/1.1',
  options: BedrockOptions = {},
) {
  const server = await startBedrockRuntime()
  onTestFinished(() => server.stop())
  const settings = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'TESTS', secretAccessKey: 'CANARY-SECRET' },
    endpoint: server.endpoint,
  }
  // The SDK's default, for callers that choose it.
  const http2 = { requestHandler: new NodeHttp2Handler({ disableConcurrentStreams: true }) }
  const model = bedrockModel({ ...settings, ...(protocol === 'HTTP/2' && http2) }, options)

  /** Asks and collects the deltas, unless the answer is wanted at once. */
  async function ask(asked: ModelRequest, way: (typeof WAYS)[number], more: Partial<AskOptions> = {}) {
    const deltas: string[] = []
    const onDelta = way === 'streamed' ? (delta: string) => void deltas.push(delta) : undefined
    const reply = await model.ask(asked, { signal: new AbortController().signal, onDelta, ...more })
    return { ...reply, deltas }
  }
  return { server, model, ask }
}

/** The failure of a call; anything else is passed on as a failure of the test. */
export async function failureOf(call: Promise<unknown>): Promise<ModelFailure> {
  const outcome = await call.then(
    (answer) => new Error(`expected a failure, got ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  )
  if (outcome instanceof ModelFailure) return outcome
  throw outcome
}

/** All that a log could show of a failure. */
export function shownOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? ''
  const { cause, ...members } = error
  const hidden = Object.getOwnPropertyNames(error).map((name) => `${(error as never)[name]}`)
  return [error.name, JSON.stringify(members), ...hidden, cause ? shownOf(cause) : ''].join(' ')
}
