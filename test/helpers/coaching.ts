import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { OpenAiServer } from '../stand-ins/openai.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { says } from '../stand-ins/openai-replies.ts'
import { type ApiAnswer, type ApiOptions, api, dataOf, GENEROUS } from './api.ts'
import { type EventClient, postForEvents } from './events.ts'
import type { Environment } from './program.ts'
import { localMint, type Mint, secondsFromNow } from './tokens.ts'

/** What the coach says unless a test scripts something else. */
export const ANSWER = 'Welcome. What brings you here?'

export interface Message {
  id: string
  turn: number
  role: 'user' | 'assistant'
  content: string
}

export interface ConversationJson {
  conversation_id: string
  status: string
  messages: Message[]
  running?: { turn: number; started_at: string }
  remaining_turns: number
}

/** One user of one server. */
export interface CoachClient {
  ask(line: string, options?: Omit<ApiOptions, 'token'>): Promise<ApiAnswer>
  /** Starts a conversation about `core_values`, and answers its id. */
  start(): Promise<string>
  say(id: string, content: string, headers?: Record<string, string>): Promise<ApiAnswer>
  sayForEvents(id: string, content: string, headers?: Record<string, string>): EventClient
  get(id: string): Promise<ConversationJson>
}

export function coachClient(server: { url: string }, token: string): CoachClient {
  const ask: CoachClient['ask'] = (line, options) => api(server, line, { ...options, token })
  return {
    ask,
    async start() {
      const body = { topic_id: 'core_values', parameters: { user_name: 'Ana' } }
      return dataOf<ConversationJson>(await ask('POST /conversations', { body })).conversation_id
    },
    say: (id, content, headers = {}) =>
      ask(`POST /conversations/${id}/messages`, { body: { content }, headers }),
    sayForEvents: (id, content, headers = {}) =>
      postForEvents(
        `${server.url}/api/v1/conversations/${id}/messages`,
        { authorization: `Bearer ${token}`, ...headers },
        { content },
      ),
    get: async (id) => dataOf<ConversationJson>(await ask(`GET /conversations/${id}`)),
  }
}

/** The stand-in of a model, for all tests of a file, and the settings of a server that uses it. */
export function sharedModel(): { model: OpenAiServer; settings: Environment } {
  const shared = { model: {} as OpenAiServer, settings: {} as Environment }
  beforeAll(async () => {
    shared.model = await startOpenAi()
    Object.assign(shared.settings, {
      ...GENEROUS,
      PROMPTS_LLM: 'openai',
      PROMPTS_LLM_BASE_URL: shared.model.baseUrl,
      PROMPTS_LLM_MODEL: 'test-model',
    })
  })
  beforeEach(() => {
    shared.model.reset()
    shared.model.always(says(ANSWER))
  })
  afterAll(() => shared.model.stop())
  return shared
}

/** Makes tokens of users for a data folder: of Ana, unless its claims say otherwise. */
export async function userTokens(folder: string): Promise<(claims?: object) => string> {
  const mint: Mint = await localMint(folder)
  const claims = { sub: 'ana', tenant_id: 'acme', role: 'user', exp: secondsFromNow(3_600) }
  return (others = {}) => mint({ ...claims, ...others })
}
