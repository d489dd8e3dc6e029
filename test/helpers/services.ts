import { onTestFinished } from 'vitest'
import { topicUsage } from '../../src/adapters/memory/topic-usage.ts'
import type { ConversationStore } from '../../src/domain/conversation.ts'
import type { PromptStore } from '../../src/domain/prompt-store.ts'
import type { PromptTexts, Topic, TopicContent, TopicRepository } from '../../src/domain/topic.ts'
import type { Services } from '../../src/pipeline/operation.ts'
import { openCatalog } from '../../src/services/catalog/sync.ts'
import { createConversations } from '../../src/services/conversations/conversations.ts'
import { createModelClient, type ModelSettings } from '../../src/services/models.ts'
import { publish } from '../../src/services/publishing.ts'
import { createKeyedMutex } from '../../src/util/keyed-mutex.ts'
import { type Clock, systemClock } from '../../src/util/time.ts'
import { memoryConversations } from './memory-conversations.ts'
import { memoryStore } from './memory-store.ts'

/** Services over a store, by default an empty one in memory; closed after the test. */
export async function openServices(
  options: {
    topics?: TopicRepository
    prompts?: PromptStore
    clock?: Clock
    models?: Partial<ModelSettings>
    conversations?: ConversationStore
  } = {},
): Promise<Services & { warnings: string[] }> {
  const { clock = systemClock } = options
  const store = { ...memoryStore(), ...options }
  const warnings: string[] = []
  const catalog = await openCatalog({
    ...store,
    clock,
    staleIfErrorMs: 60_000,
    warn: (message) => warnings.push(message),
  })
  onTestFinished(() => catalog.close())
  const models = createModelClient({ timeoutMs: 1_000, ...options.models })
  const kept = options.conversations ?? memoryConversations(clock)
  const conversations = createConversations({ catalog, models, clock, openStore: async () => kept })
  return {
    catalog,
    ...store,
    clock,
    mutex: createKeyedMutex(),
    models,
    conversations,
    usage: topicUsage(clock),
    openKeys: async () => {
      throw new Error('there are no keys here')
    },
    creatableTypes: ['kpi_system'],
    warnings,
  }
}

/** Publishes just this content, whatever was there. */
export async function put(services: Services, content: TopicContent, by = 'test'): Promise<Topic> {
  const { topic } = await publish(services, { topic_id: content.definition.topic_id, by }, () => content)
  return topic
}

/** Changes the texts of a topic and leaves everything else as it is. */
export async function putBodies(services: Services, topic_id: string, bodies: PromptTexts, by = 'test') {
  return publish(services, { topic_id, by }, (current) => {
    if (!current) throw new Error(`no topic ${topic_id}`)
    const { definition, texts } = current.content
    return { definition, texts: { ...texts, ...bodies } }
  })
}
