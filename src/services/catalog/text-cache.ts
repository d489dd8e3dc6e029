import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { PromptStore } from '../../domain/prompt-store.ts'
import type { Figures } from '../../domain/telemetry.ts'
import type { PromptInfo, PromptTexts, Topic } from '../../domain/topic.ts'
import type { Awaitable } from '../../util/awaitable.ts'

/** Most bytes of texts kept in memory. */
const MAX_BYTES = 64 * 1024 * 1024
/** Reading ahead ends a little before, so that it pushes out nothing that was asked for. */
const MAX_AHEAD_BYTES = MAX_BYTES * 0.9
/** Most characters of texts kept together by topic, with what is made of them. */
const MAX_HOT_CHARACTERS = 4 * 1024 * 1024

/** The texts of topics, kept in memory. A text never changes, so one that was read is right for ever. */
export interface TextCache {
  /** All texts of a topic: of a current one the same object every time, as long as there is room. */
  get(topic: Topic): Awaitable<PromptTexts>

  /** Puts texts of a topic that need no reading, by prompt type. */
  put(topic: Topic, texts: PromptTexts): void

  /** Drops what is kept for a record that is not current any more. */
  forget(topic: Topic): void

  /** Reads texts, up to what the memory may hold. @returns whether all could be read. */
  readAhead(topics: Iterable<Topic>): Promise<boolean>

  /** False while no text could be read yet although one was wanted. */
  canServe(): boolean

  figures(): Pick<Figures, 'textBytes' | 'textHits' | 'textMisses'>

  /** Ends reading ahead. */
  close(): void
}

/**
 * @param warn is called once when texts cannot be read.
 * @param isCurrent whether this very record object will be asked for again. An edit reads the record from the store, as
 *   an object of its own; kept, its texts would only push out others.
 */
export function createTextCache(
  prompts: PromptStore,
  warn: (message: string, cause?: unknown) => void,
  isCurrent: (topic: Topic) => boolean,
): TextCache {
  const reader = createTextReader(prompts, warn)
  const hot = new LRUCache<Topic, PromptTexts>({
    maxSize: MAX_HOT_CHARACTERS,
    sizeCalculation: (texts) => Object.values(texts).reduce((sum, text) => sum + text.length, 1),
  })
  let closed = false
  let textHits = 0
  let textMisses = 0

  async function assemble(topic: Topic): Promise<PromptTexts> {
    const reads = topic.prompts.map((info) => reader.read(topic.topic_id, info))
    if (reads.every((text) => typeof text === 'string')) textHits++
    else textMisses++
    const texts = await Promise.all(reads)
    const entries = topic.prompts.map(({ prompt_type }, index) => [prompt_type, texts[index] as string])
    const together = Object.freeze(Object.fromEntries(entries))
    if (isCurrent(topic)) hot.set(topic, together)
    return together
  }

  return {
    get(topic) {
      const together = hot.get(topic)
      if (!together) return assemble(topic)
      textHits++
      return together
    },

    put(topic, texts) {
      for (const info of topic.prompts) {
        const text = texts[info.prompt_type]
        if (text !== undefined) reader.put(topic.topic_id, info, text)
      }
    },

    forget: (topic) => void hot.delete(topic),

    async readAhead(topics) {
      let complete = true
      for (const { topic_id, prompts: infos } of topics) {
        if (closed || reader.bytes() > MAX_AHEAD_BYTES) break
        const reads = await Promise.allSettled(infos.map((info) => reader.read(topic_id, info)))
        complete &&= reads.every(({ status }) => status === 'fulfilled')
        await setImmediate()
      }
      return complete
    },

    canServe: reader.canServe,

    figures: () => ({ textBytes: reader.bytes(), textHits, textMisses }),

    close() {
      closed = true
    },
  }
}

/** Reads single texts, each at most once while it is kept. */
function createTextReader(prompts: PromptStore, warn: (message: string, cause?: unknown) => void) {
  const texts = new LRUCache<string, string>({
    maxSize: MAX_BYTES,
    sizeCalculation: (text) => text.length * 2 + 1,
  })
  /** Texts that are being read: further callers wait for the same answer. */
  const pending = new Map<string, Promise<string>>()
  let hasRead = false
  let isFailing = false

  async function load(key: string, topic_id: string, info: PromptInfo): Promise<string> {
    try {
      const text = await prompts.read(topic_id, info)
      texts.set(key, text)
      hasRead = true
      isFailing = false
      return text
    } catch (error) {
      if (!isFailing) warn('texts cannot be read; those that are known go on being served', error)
      isFailing = true
      throw error
    }
  }

  return {
    read(topic_id: string, info: PromptInfo): Awaitable<string> {
      const key = keyOf(topic_id, info)
      const cached = texts.get(key) ?? pending.get(key)
      if (cached !== undefined) return cached
      const loading = load(key, topic_id, info).finally(() => pending.delete(key))
      pending.set(key, loading)
      return loading
    },
    put: (topic_id: string, info: PromptInfo, text: string) => void texts.set(keyOf(topic_id, info), text),
    bytes: () => texts.calculatedSize ?? 0,
    canServe: () => hasRead || !isFailing,
  }
}

function keyOf(topic_id: string, { prompt_type, revision, sha256 }: PromptInfo): string {
  return `${topic_id}/${prompt_type}/${revision}/${sha256}`
}
