import { onTestFinished } from 'vitest'
import {
  type Reply as BedrockReply,
  broken,
  exception,
  hang,
  httpError,
  reset,
  text,
  throttled,
  toolJson,
} from '../stand-ins/bedrock-replies.ts'
import { startBedrockRuntime } from '../stand-ins/bedrock-runtime.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import {
  breaksOff,
  fails,
  hangs,
  type Reply as OpenAiReply,
  resets,
  says,
} from '../stand-ins/openai-replies.ts'
import type { AtEnd } from './at-end.ts'
import type { Environment } from './program.ts'

/** What both stand-ins can be made to do. */
export type Deed =
  | { answer: string; gapMs?: number; size?: number }
  | 'throttled'
  | 'broken connection'
  | 'hangs'
  | 'refused'
  | 'stops at the limit'
  | 'cut at once'
  | 'cut in the middle'
  | 'stalls in the middle'
  | 'fails in the middle'

/** A stand-in, however its provider speaks. It proves how the wire is handled, and says nothing about models. */
export interface ModelServer {
  settings: Environment
  script(...deeds: Deed[]): void
  always(deed: Deed): void
  /** How often it was asked. */
  count(): number
  /** How the last request ended; `gone` if the client went away. */
  lastEnd(): 'open' | 'answered' | 'gone' | 'broken'
  lastModel(): string | undefined
}

const GOOD = '{"analysis":"Fine.","recommendations":[],"severity":"info"}'

function bedrockReply(deed: Deed): BedrockReply {
  if (typeof deed === 'object') {
    const { answer, gapMs, size } = deed
    return toolJson('give_analysis', answer, { ...(gapMs && { gapMs }), ...(size && { size }) })
  }
  const half = toolJson('give_analysis', GOOD)
  switch (deed) {
    case 'throttled':
      return throttled()
    case 'broken connection':
      return reset()
    case 'hangs':
      return hang()
    case 'refused':
      return httpError('ValidationException', 400, 'The model is unknown.')
    case 'stops at the limit':
      return text('Fine', { stopReason: 'max_tokens' })
    case 'cut at once':
      return broken(toolJson('give_analysis', ''), 'end')
    case 'cut in the middle':
      return broken(half, 'end')
    case 'stalls in the middle':
      return broken(half, 'stall')
    case 'fails in the middle':
      return broken(half, exception('modelStreamErrorException'))
  }
}

function openAiReply(deed: Deed): OpenAiReply {
  if (typeof deed === 'object') {
    const { answer, gapMs: everyMs, size } = deed
    return says(answer, { ...(everyMs && { everyMs }), ...(size && { size }) })
  }
  switch (deed) {
    case 'throttled':
      return fails(429)
    case 'broken connection':
      return resets()
    case 'hangs':
      return hangs()
    case 'refused':
      return fails(404, { message: 'The model is unknown.' })
    case 'stops at the limit':
      return says('Fine', { finish: 'length' })
    case 'cut at once':
      return breaksOff(GOOD, 'end', 0)
    case 'cut in the middle':
      return breaksOff(GOOD, 'end', 2)
    case 'stalls in the middle':
      return breaksOff(GOOD, 'stall', 2)
    case 'fails in the middle':
      return breaksOff(GOOD, 'error', 2)
  }
}

async function bedrock(atEnd: AtEnd): Promise<ModelServer> {
  const server = await startBedrockRuntime()
  atEnd(server.stop)
  const last = () => server.requests.at(-1)
  return {
    settings: {
      PROMPTS_LLM: 'bedrock',
      PROMPTS_LLM_MODEL: 'test-model',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'TEST',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: server.endpoint,
    },
    script: (...deeds) => server.enqueue(...deeds.map(bedrockReply)),
    always: (deed) => server.always(bedrockReply(deed)),
    count: () => server.requests.length,
    lastEnd: () => {
      const end = last()?.end
      return end === undefined ? 'open' : end === 'client gone' ? 'gone' : end
    },
    lastModel: () => last()?.modelId,
  }
}

async function openAi(atEnd: AtEnd, schema: 'yes' | 'refused'): Promise<ModelServer> {
  const server = await startOpenAi({ schema })
  atEnd(server.stop)
  const last = () => server.chats.at(-1)
  return {
    settings: {
      PROMPTS_LLM: 'openai',
      PROMPTS_LLM_BASE_URL: server.baseUrl,
      PROMPTS_LLM_MODEL: 'test-model',
    },
    script: (...deeds) => server.script(...deeds.map(openAiReply)),
    always: (deed) => server.always(openAiReply(deed)),
    count: () => server.chats.length,
    lastEnd: () => {
      const outcome = last()?.outcome ?? 'open'
      return outcome === 'abandoned' ? 'gone' : outcome
    },
    lastModel: () => last()?.body.model,
  }
}

/** Every kind of model server, by name. */
export const MODEL_SERVERS: Record<string, (atEnd?: AtEnd) => Promise<ModelServer>> = {
  Bedrock: (atEnd = onTestFinished) => bedrock(atEnd),
  'OpenAI-compatible': (atEnd = onTestFinished) => openAi(atEnd, 'yes'),
  'OpenAI-compatible without schemas': (atEnd = onTestFinished) => openAi(atEnd, 'refused'),
}
