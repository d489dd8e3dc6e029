import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Awaitable } from '../../domain/awaitable.ts'
import type { PromptStore } from '../../domain/prompt-store.ts'
import type { PromptInfo, PromptTexts, Topic } from '../../domain/topic.ts'

/** Most bytes of texts kept in memory. */
const MAX_BYTES = 64 * 1024 * 1024
/** Reading ahead ends a little before, so that it pushes out nothing that was asked for. */
const MAX_AHEAD_BYTES = MAX_BYTES * 0.9
/** Most characters of texts kept together by topic, with whatever others have made of them. */
const MAX_HOT_CHARACTERS = 4 * 1024 * 1024

/** The texts of topics, kept in memory. A text never changes, so what is known is right for ever. */
export interface TextCache {
  /** All texts of a topic: the same object for as long as they are the same. */
  get(topic: Topic): Awaitable<PromptTexts>

  /** Takes over texts of a topic that need no reading, by prompt type. */
  put(topic: Topic, texts: PromptTexts): void

  /** Reads texts, up to what the memory may hold. @returns whether all could be read. */
  readAhead(topics: Iterable<Topic>): Promise<boolean>

  /** False while no text could be read yet although one was wanted. */
  canServe(): boolean

  /** Ends reading ahead. */
  close(): void
}

/** @param warn told once when texts cannot be read. */
export function createTextCache(
  prompts: PromptStore,
  warn: (message: string, cause?: unknown) => void,
): TextCache {
  const known = new LRUCache<string, string>({
    maxSize: MAX_BYTES,
    sizeCalculation: (text) => text.length * 2 + 1,
  })
  /** Texts of the topics that are asked for most. */
  const together = new LRUCache<Topic, PromptTexts>({
    maxSize: MAX_HOT_CHARACTERS,
    sizeCalculation: (found) => Object.values(found).reduce((sum, text) => sum + text.length, 1),
  })
  /** Texts that are being read: whoever else wants one waits for the same answer. */
  const coming = new Map<string, Promise<string>>()
  let areKnown = false
  let areOut = false
  let closed = false

  function textOf(topic_id: string, info: PromptInfo): Awaitable<string> {
    const key = keyOf(topic_id, info)
    return known.get(key) ?? coming.get(key) ?? begin(key, topic_id, info)
  }

  function begin(key: string, topic_id: string, info: PromptInfo): Promise<string> {
    const text = read(key, topic_id, info).finally(() => coming.delete(key))
    coming.set(key, text)
    return text
  }

  async function read(key: string, topic_id: string, info: PromptInfo): Promise<string> {
    try {
      const text = await prompts.read(topic_id, info)
      known.set(key, text)
      areKnown = true
      areOut = false
      return text
    } catch (error) {
      if (!areOut) warn('texts cannot be read; those that are known go on being served', error)
      areOut = true
      throw error
    }
  }

  async function assemble(topic: Topic): Promise<PromptTexts> {
    const texts = await Promise.all(topic.prompts.map((info) => textOf(topic.topic_id, info)))
    const found = Object.freeze(
      Object.fromEntries(
        topic.prompts.map(({ prompt_type }, index) => [prompt_type, texts[index] as string]),
      ),
    )
    together.set(topic, found)
    return found
  }

  return {
    get: (topic) => together.get(topic) ?? assemble(topic),

    put(topic, texts) {
      for (const info of topic.prompts) {
        const text = texts[info.prompt_type]
        if (text !== undefined) known.set(keyOf(topic.topic_id, info), text)
      }
    },

    async readAhead(topics) {
      let areRead = true
      for (const { topic_id, prompts: infos } of topics) {
        if (closed || (known.calculatedSize ?? 0) > MAX_AHEAD_BYTES) break
        const texts = await Promise.allSettled(infos.map((info) => textOf(topic_id, info)))
        areRead &&= texts.every(({ status }) => status === 'fulfilled')
        await setImmediate()
      }
      return areRead
    },

    canServe: () => areKnown || !areOut,

    close() {
      closed = true
    },
  }
}

function keyOf(topic_id: string, { prompt_type, revision, sha256 }: PromptInfo): string {
  return `${topic_id}/${prompt_type}/${revision}/${sha256}`
}
