import { expect, onTestFinished, vi } from 'vitest'
import type { Owner } from '../../src/domain/caller.ts'
import type { ConversationStore } from '../../src/domain/conversation.ts'
import type { AskOptions } from '../../src/domain/language-model.ts'
import { createConversations } from '../../src/services/conversations/conversations.ts'
import type { SayOptions } from '../../src/services/conversations/say.ts'
import type { ModelSettings } from '../../src/services/models.ts'
import type { Clock } from '../../src/util/time.ts'
import { memoryConversations } from './memory-conversations.ts'
import { parameter } from './parameters.ts'
import { type Reply, scriptedModel } from './scripted-model.ts'
import { openServices, put } from './services.ts'
import { topicContent } from './topics.ts'

export const ANA: Owner = { sub: 'ana', tenant: 'acme' }

/** A coaching topic `coach` that a scripted model answers, and a conversation about it. */
export async function startCoach(
  replies: Reply[],
  options: {
    config?: Record<string, unknown>
    models?: Partial<ModelSettings>
    clock?: Clock
    store?: ConversationStore
    bodies?: Record<string, string>
  } = {},
) {
  const { config = {}, clock, store = memoryConversations(clock), bodies } = options
  const model = scriptedModel(...replies)
  const models = { open: async () => model, fallback: 'a-model', timeoutMs: 5_000, ...options.models }
  const services = await openServices({ models, conversations: store, ...(clock && { clock }) })
  const parameters = [
    parameter('user_name', 'string', { required: true }),
    parameter('conversation_history', 'array', { required: true }),
  ]
  const texts = bodies ?? {
    system: 'You coach {{user_name}}.',
    user: '{{#conversation_history}}old{{/conversation_history}}Begin.',
  }
  const content = topicContent('coach', texts, parameters)
  Object.assign(content.definition, {
    topic_type: 'conversation_coaching',
    config: { supports_streaming: true, ...config },
  })
  await put(services, content)
  const { conversations } = services
  onTestFinished(() => conversations.abortAll())
  const start = (owner = ANA) =>
    conversations.start(owner, 'coach', { user_name: 'Ana' }, { style: 'json', prefix: 'parameters' })
  const { conversation_id: id } = await start()
  return {
    model,
    services,
    store,
    conversations,
    start,
    id,
    say: (text: string, more: Partial<SayOptions> = {}) =>
      conversations.say(ANA, id, text, { waitMs: 0, ...more }),
    get: () => conversations.get(ANA, id),
    /** Another process over the same store. */
    another: () =>
      createConversations({
        ...services,
        openStore: async () => store,
      }),
  }
}

/** What a listener hears, in words. */
export function listening() {
  const heard: string[] = []
  const listener = {
    onText: (text: string) => void heard.push(text),
    onReset: () => void heard.push('<reset>'),
    onBegin: () => void heard.push('<begin>'),
  }
  return { heard, listener }
}

/** A reply that says something when the test wants it, and whether it is asked for. */
export function stepwise() {
  let options: AskOptions | undefined
  let finish = (_rest: string) => {}
  let fail = (_error: unknown) => {}
  const reply: Reply = (given) => {
    options = given
    return new Promise((resolve, reject) => {
      finish = resolve
      fail = reject
      given.signal.addEventListener('abort', () => reject(given.signal.reason))
    })
  }
  return {
    reply,
    isAsked: () => vi.waitFor(() => expect(options).toBeDefined()),
    tell: (text: string) => options?.onDelta?.(text),
    end: (rest: string) => finish(rest),
    fail: (error: unknown) => fail(error),
    isAborted: () => options?.signal.aborted,
  }
}
