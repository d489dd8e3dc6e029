import { AppError } from '../../src/domain/errors.ts'
import { type PromptStore, type PromptVersion, versionFacts } from '../../src/domain/prompt-store.ts'
import type { StoreListener, Topic, TopicRepository } from '../../src/domain/topic.ts'

type Version = PromptVersion & { content: string }

/** A store that lives as long as the process: for tests, and the plainest example of what the ports promise. */
export function memoryStore(): { topics: TopicRepository; prompts: PromptStore } {
  const records = new Map<string, string>()
  const versions = new Map<string, Version[]>()
  const listeners = new Set<StoreListener>()
  const versionsOf = (topic_id: string, prompt_type: string) =>
    versions.get(`${topic_id}/${prompt_type}`) ?? []

  const topics: TopicRepository = {
    async get(topic_id) {
      const record = records.get(topic_id)
      return record === undefined ? undefined : { topic_id, topic: JSON.parse(record) }
    },
    async *all() {
      for (const [topic_id, record] of records) yield { topic_id, topic: JSON.parse(record) }
    },
    async save(topic, changed) {
      const { topic_id } = topic
      const record = records.get(topic_id)
      const revision = record === undefined ? 0 : (JSON.parse(record) as Topic).revision
      if (revision !== topic.revision)
        throw new AppError('conflict', `Topic "${topic_id}" was changed by another writer.`)
      for (const info of topic.prompts) {
        const content = changed[info.prompt_type]
        if (content === undefined) continue
        const { prompt_type, revision } = info
        const version = { version_id: String(revision), ...versionFacts(info), content }
        versions.set(`${topic_id}/${prompt_type}`, [version, ...versionsOf(topic_id, prompt_type)])
      }
      const saved = { ...topic, revision: revision + 1 }
      records.set(topic_id, JSON.stringify(saved))
      for (const listener of listeners)
        queueMicrotask(() => listener({ topic_ids: [topic_id], reachable: true }))
      return structuredClone(saved)
    },
    async watch(listener) {
      listeners.add(listener)
      return {
        catchUp: () => undefined,
        ageMs: () => 0,
        async close() {
          listeners.delete(listener)
        },
      }
    },
  }

  const prompts: PromptStore = {
    async read(topic_id, info) {
      return (await prompts.readVersion(topic_id, info.prompt_type, String(info.revision))).content
    },
    async history(topic_id, prompt_type) {
      return versionsOf(topic_id, prompt_type).map(({ content: _, ...version }) => version)
    },
    async readVersion(topic_id, prompt_type, version_id) {
      const found = versionsOf(topic_id, prompt_type).find((candidate) => candidate.version_id === version_id)
      if (!found) throw new AppError('not_found', `Prompt "${topic_id}/${prompt_type}" has no such version.`)
      const { content, ...version } = found
      return { version, content }
    },
  }

  return { topics, prompts }
}
