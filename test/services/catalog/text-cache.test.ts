import { expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import type { PromptInfo, Topic } from '../../../src/domain/topic.ts'
import { createTextCache } from '../../../src/services/catalog/text-cache.ts'
import { failureOf } from '../../helpers/errors.ts'
import { memoryStore } from '../../helpers/memory-store.ts'
import { topicContent, topicRecord } from '../../helpers/topics.ts'

/** A cache over a store that counts its reads and fails as long as `failing` is set. Every record is current at first. */
function openCache() {
  const store = { reads: 0, failing: false }
  const current = new Set<Topic>()
  const warnings: string[] = []
  const prompts = {
    ...memoryStore().prompts,
    async read(topic_id: string, info: PromptInfo) {
      store.reads++
      await undefined
      if (store.failing) throw new AppError('unavailable', 'no texts')
      return `${topic_id}/${info.prompt_type}@${info.revision}`
    },
  }
  const cache = createTextCache(
    prompts,
    (message) => warnings.push(message),
    (topic) => current.has(topic),
  )
  onTestFinished(() => cache.close())
  /** A record as the catalogue has it. */
  const add = (topic_id: string, types = ['system', 'user'], revision = 1): Topic => {
    const texts = Object.fromEntries(types.map((type) => [type, `${topic_id}/${type}`]))
    const topic = topicRecord(topicContent(topic_id, texts), 1, revision)
    current.add(topic)
    return topic
  }
  return { cache, store, current, warnings, add }
}

it('a current topic gets the same frozen object every time, and later ones at once', async () => {
  const { cache, store, add } = openCache()
  const topic = add('t')
  const texts = await cache.get(topic)
  expect(texts).toEqual({ system: 't/system@1', user: 't/user@1' })
  expect(Object.isFrozen(texts)).toBe(true)
  expect(cache.get(topic)).toBe(texts)
  expect(store.reads).toBe(2)
})

it('a text is read once, however many ask for it at the same time and whatever else changes', async () => {
  const { cache, store, add } = openCache()
  const topic = add('t')
  await Promise.all([cache.get(topic), cache.get(topic), cache.get(structuredClone(topic))])
  expect(store.reads).toBe(2)
  const [system, user] = add('t', ['system', 'user'], 2).prompts as [PromptInfo, PromptInfo]
  const edited = { ...topic, prompts: [topic.prompts[0] as PromptInfo, user] }
  expect(await cache.get(edited)).toEqual({ system: 't/system@1', user: 't/user@2' })
  expect([store.reads, system.revision]).toEqual([3, 2])
})

it('a record that will not be asked for again leaves nothing behind', async () => {
  const { cache, current, store, add } = openCache()
  const topic = add('t')
  const copy = structuredClone(topic)
  const first = await cache.get(copy)
  expect(await cache.get(copy)).not.toBe(first)
  expect(await cache.get(copy)).toEqual(first)
  // Replaced while its texts are being read.
  const late = add('late')
  const reading = cache.get(late)
  current.delete(late)
  const texts = await reading
  expect(await cache.get(late)).not.toBe(texts)
  expect(store.reads).toBe(4)
})

it('what is forgotten is put together again from the texts that are known', async () => {
  const { cache, store, add } = openCache()
  const topic = add('t')
  const texts = await cache.get(topic)
  cache.forget(topic)
  expect(await cache.get(topic)).not.toBe(texts)
  expect(await cache.get(topic)).toEqual(texts)
  expect(store.reads).toBe(2)
})

it('texts that were put need no reading', async () => {
  const { cache, store, add } = openCache()
  const topic = add('t')
  cache.put(topic, { system: 'put', other: 'of no prompt' })
  expect(await cache.get(topic)).toEqual({ system: 'put', user: 't/user@1' })
  expect(store.reads).toBe(1)
})

it('a failure is answered, warned of once, and not remembered', async () => {
  const { cache, store, warnings, add } = openCache()
  const [topic, other] = [add('t', ['user']), add('other', ['user'])]
  expect(cache.canServe()).toBe(true)
  store.failing = true
  expect((await failureOf(() => cache.get(topic))).code).toBe('unavailable')
  expect((await failureOf(() => cache.get(other))).code).toBe('unavailable')
  expect(warnings).toEqual(['texts cannot be read; those that are known go on being served'])
  expect(cache.canServe()).toBe(false)
  store.failing = false
  expect(await cache.get(topic)).toEqual({ user: 't/user@1' })
  expect(cache.canServe()).toBe(true)
  store.failing = true
  await failureOf(() => cache.get(other))
  expect(warnings).toHaveLength(2)
  // One text is known: that much can be served.
  expect(cache.canServe()).toBe(true)
})

it('reading ahead says whether all could be read, and ends when the cache is closed', async () => {
  const { cache, store, add } = openCache()
  const topics = ['a', 'b', 'c'].map((id) => add(id))
  store.failing = true
  expect(await cache.readAhead(topics)).toBe(false)
  store.failing = false
  expect(await cache.readAhead(topics)).toBe(true)
  expect(store.reads).toBe(12)
  await cache.get(topics[0] as Topic)
  expect(store.reads).toBe(12)
  cache.close()
  expect(await cache.readAhead([add('d')])).toBe(true)
  expect(store.reads).toBe(12)
})
