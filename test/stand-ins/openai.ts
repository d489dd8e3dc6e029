import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Reply, says, sendError } from './openai-replies.ts'

// A stand-in of an OpenAI-compatible server, chat completions only. There is no model: it says what a test tells it to.
// It proves our handling of the wire and nothing about real servers or the quality of answers.

/** The body of a request, as far as the stand-in looks at it. */
interface ChatBody {
  model: string
  messages: { role: string; content: string }[]
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  response_format?: { type: string; json_schema: Record<string, unknown> }
  tools?: { type: string; function: { name: string; parameters: unknown } }[]
  tool_choice?: unknown
  max_tokens?: number
  max_completion_tokens?: number
  temperature?: number
}

/** One request, as the server remembers it. */
interface SeenChat {
  body: ChatBody
  headers: IncomingHttpHeaders
  /** The client's: the same for requests over the same connection. */
  port: number | undefined
  /** `abandoned`: the client went away before the end of the answer. `broken`: the server did. */
  outcome: 'open' | 'answered' | 'abandoned' | 'broken'
}

/** A request that waits for its reply. */
export interface Chat {
  body: ChatBody
  /** What of the body the server heeds: without what it ignores. */
  heeded: { schema: boolean; tool: string | undefined; usage: boolean }
  response: ServerResponse
  /** Fires when the connection is closed. */
  closed: AbortSignal
  /** Breaks the connection. */
  breakOff(): void
}

/** What servers do about something that they lack. */
type Support = 'yes' | 'refused' | 'ignored'

/** What a server can do; by default all, for every model and everybody. */
export interface Abilities {
  /** `response_format: json_schema` */
  schema: Support
  tools: Support
  /** `stream_options` */
  usage: Support
  limit: 'max_tokens' | 'max_completion_tokens'
  temperature: Exclude<Support, 'ignored'>
  /** The roles of system texts that it takes; with `template` the chat template refuses them, with a status of 500. */
  system: 'yes' | 'refused' | 'developer' | 'template'
  /** `minLength` in schemas */
  lengths: Exclude<Support, 'ignored'>
  /** Whether it says what it refuses. */
  isTalkative: boolean
  models: string[] | undefined
  key: string | undefined
}

const ALL: Abilities = {
  schema: 'yes',
  tools: 'yes',
  usage: 'yes',
  limit: 'max_tokens',
  temperature: 'yes',
  system: 'yes',
  lengths: 'yes',
  isTalkative: true,
  models: undefined,
  key: undefined,
}

/** What it says to requests for which nothing else is scripted. */
export const ANSWER =
  '{"analysis":"Revenue is 5% below its threshold.","recommendations":["Call the three largest accounts."],"severity":"warning"}'

export interface OpenAiServer {
  /** For `PROMPTS_LLM_BASE_URL`. */
  baseUrl: string
  /** In order of arrival. */
  chats: SeenChat[]
  /** May be changed at any time. */
  abilities: Abilities
  /** Replies to the next requests that are not refused for a lack of ability. */
  script(...replies: Reply[]): void
  /** Replies to all requests behind the script; `ANSWER` until it is called. */
  always(reply: Reply): void
  /** Connections that are open, used or not. */
  connections(): number
  /** Back to how it was at the start, except for what is still being answered. */
  reset(): void
  stop(): Promise<void>
}

export async function startOpenAi(abilities: Partial<Abilities> = {}): Promise<OpenAiServer> {
  const sockets = new Set<Socket>()
  const script: Reply[] = []
  let otherwise: Reply = says(ANSWER)

  const server = createServer(async (incoming, response) => {
    try {
      const body = await bodyOf(incoming)
      const seen: SeenChat = {
        body,
        headers: incoming.headers,
        port: incoming.socket.remotePort,
        outcome: 'open',
      }
      openAi.chats.push(seen)
      const chat = chatOf(seen, response, openAi.abilities)
      const refusal = refusalOf(incoming, body, openAi.abilities)
      await (refusal ?? script.shift() ?? otherwise)(chat)
    } catch {
      incoming.socket.destroy()
    }
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const openAi: OpenAiServer = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    chats: [],
    abilities: { ...ALL, ...abilities },
    script: (...replies) => void script.push(...replies),
    always(reply) {
      otherwise = reply
    },
    connections: () => sockets.size,
    reset() {
      openAi.chats.length = 0
      openAi.abilities = { ...ALL, ...abilities }
      script.length = 0
      otherwise = says(ANSWER)
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return openAi
}

async function bodyOf(incoming: IncomingMessage): Promise<ChatBody> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString() || '{}') as ChatBody
}

function chatOf(seen: SeenChat, response: ServerResponse, abilities: Abilities): Chat {
  const { body } = seen
  const closing = new AbortController()
  response.on('close', () => {
    if (seen.outcome === 'open') seen.outcome = response.writableFinished ? 'answered' : 'abandoned'
    closing.abort()
  })
  return {
    body,
    heeded: {
      schema: body.response_format !== undefined && abilities.schema === 'yes',
      tool: abilities.tools === 'yes' ? body.tools?.[0]?.function.name : undefined,
      usage: body.stream ? body.stream_options?.include_usage === true && abilities.usage === 'yes' : true,
    },
    response,
    closed: closing.signal,
    breakOff() {
      seen.outcome = 'broken'
      response.socket?.resetAndDestroy()
    },
  }
}

/** How a server says that it does not do what it is asked; nothing if it does, or ignores it. */
function refusalOf(
  { url, method, headers }: IncomingMessage,
  body: ChatBody,
  abilities: Abilities,
): Reply | undefined {
  const { schema, tools, usage, limit, temperature, lengths, isTalkative, models, key } = abilities
  const refuse = (status: number, message: string, param?: string) => {
    const said = isTalkative ? { message, param } : { message: 'Bad Request' }
    return ({ response }: Chat) => sendError(response, status, { type: 'invalid_request_error', ...said })
  }
  if (method !== 'POST' || url?.split('?')[0] !== '/v1/chat/completions') return refuse(404, 'Not Found')
  if (key !== undefined && headers.authorization !== `Bearer ${key}`) {
    return refuse(401, `Incorrect API key provided: ${headers.authorization}.`)
  }
  if (models && !models.includes(body.model)) {
    return refuse(404, `The model "${body.model}" does not exist.`, 'model')
  }
  if (limit !== 'max_tokens' && body.max_tokens !== undefined) {
    const advice = "Use 'max_completion_tokens' instead."
    return refuse(400, `Unsupported parameter: 'max_tokens' is not supported with this model. ${advice}`)
  }
  if (temperature === 'refused' && body.temperature !== undefined) {
    const message =
      "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported."
    return refuse(400, message, 'temperature')
  }
  const refusedRole = roleRefusal(body, abilities)
  if (refusedRole) return refuse(...refusedRole)
  if (lengths === 'refused' && JSON.stringify([body.response_format, body.tools]).includes('"minLength"')) {
    return refuse(400, 'The provided JSON schema contains features not supported by xgrammar.')
  }
  if (usage === 'refused' && body.stream_options) {
    return refuse(400, 'Unknown parameter.', 'stream_options')
  }
  if (schema === 'refused' && body.response_format) {
    return refuse(400, 'This response_format type is unavailable now.', 'response_format')
  }
  if (tools === 'refused' && body.tools) return refuse(400, `${body.model} does not support tools.`)
  return undefined
}

/** As o1-mini, o1 and the chat templates of Gemma and Mistral say it. */
function roleRefusal(
  { messages }: ChatBody,
  { system }: Abilities,
): [status: number, message: string] | undefined {
  const roles = messages.map(({ role }) => role)
  if (system === 'template' && roles.includes('system')) return [500, 'System role not supported']
  if (system === 'refused' && roles.some((role) => role === 'system' || role === 'developer')) {
    return [400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."]
  }
  if (system === 'developer' && roles.includes('system')) {
    return [
      400,
      "Unsupported value: 'messages[0].role' does not support 'system' with this model. Use 'developer' instead.",
    ]
  }
  return undefined
}
