import { openAiModel } from '../../../src/adapters/openai/model.ts'
import type {
  AnswerFormat,
  ModelFailure,
  ModelReply,
  ModelRequest,
} from '../../../src/domain/language-model.ts'

export const KEY = 'sk-secret-key-of-the-test'
export const PROMPT = 'Compare the confidential revenue of 95000 with its threshold.'

export const FORMAT: AnswerFormat = {
  name: 'give_analysis',
  description: 'Gives the finished analysis.',
  schema: {
    type: 'object',
    properties: {
      analysis: { type: 'string' },
      recommendations: { type: 'array', items: { type: 'string' } },
      severity: { type: 'string', enum: ['info', 'warning', 'critical'] },
    },
    required: ['analysis', 'recommendations', 'severity'],
  },
}

export const REQUEST: ModelRequest = {
  model: 'llama3.2',
  system: ['You are an analyst.'],
  messages: [{ role: 'user', content: PROMPT }],
  maxTokens: 500,
  temperature: 0.3,
  config: {},
  format: FORMAT,
}

export const TEXT_REQUEST: ModelRequest = { ...REQUEST, format: undefined }

export interface Asked {
  reply?: ModelReply
  failure?: ModelFailure
  deltas: string[]
}

/** Asks in a streaming way or not, and catches the failure. */
export async function ask(
  model: ReturnType<typeof openAiModel>,
  isStreaming: boolean,
  request: ModelRequest = REQUEST,
  signal = new AbortController().signal,
): Promise<Asked> {
  const deltas: string[] = []
  const onDelta = isStreaming ? (delta: string) => void deltas.push(delta) : undefined
  try {
    return { reply: await model.ask(request, { signal, onDelta }), deltas }
  } catch (error) {
    return { failure: error as ModelFailure, deltas }
  }
}

export const modelAt = (baseUrl: string, apiKey: string | undefined = KEY) =>
  openAiModel({ baseUrl, apiKey: async () => apiKey })

/** Everything that an error tells, with what it hides. */
export function allWordsOf(error: unknown): string {
  const words: string[] = []
  for (let one = error; one instanceof Error; one = one.cause) {
    words.push(`${one.stack}`, JSON.stringify(Object.fromEntries(Object.entries(one))))
  }
  return words.join('\n')
}

/** @throws if it does not become true within two seconds. */
export async function until(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 2_000
  while (!isTrue()) {
    if (Date.now() > end) throw new Error('it does not become true')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
