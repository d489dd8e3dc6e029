import { expect, test } from 'vitest'
import { dataOf, expectProblem, startApi } from '../../../helpers/api.ts'
import { writeTopic } from '../../../helpers/data-folder.ts'
import { tempFolder } from '../../../helpers/folders.ts'
import { topicContent } from '../../../helpers/topics.ts'

interface BatchJson {
  data: Record<string, { prompts: Record<string, string> }>
  errors?: Record<string, { code: string; detail: string }>
}

test('ids that cannot be served are errors of their own, repeats are answered once', async () => {
  const { service } = await startApi()
  const topic_ids = [
    'goals',
    'no_such_topic',
    'goals',
    'No!',
    '',
    '__proto__',
    'constructor',
    '../goals',
    'a\u0000',
  ]
  const answer = await service('POST /prompts/batch', { body: { topic_ids } })
  const { data, errors = {} } = answer.json as unknown as BatchJson
  expect(answer.status).toBe(200)
  expect(Object.keys(data)).toEqual(['goals'])
  expect(Object.entries(errors).map(([id, { code }]) => [id, code])).toEqual([
    ['no_such_topic', 'not_found'],
    ['No!', 'invalid_input'],
    ['', 'invalid_input'],
    ['__proto__', 'invalid_input'],
    ['constructor', 'invalid_input'],
    ['../goals', 'invalid_input'],
    ['a\u0000', 'invalid_input'],
  ])
  for (const error of Object.values(errors)) {
    expect(error).toEqual({ code: expect.any(String), detail: expect.stringMatching(/\w/) })
  }
})

test('only no ids, too many, and what is no list of texts refuse the call', async () => {
  const { service } = await startApi()
  const many = (count: number) => Array.from({ length: count }, (_, number) => `t${number}`)
  for (const [body, path] of [
    [{ topic_ids: [] }, 'topic_ids'],
    [{ topic_ids: many(101) }, 'topic_ids'],
    [{ topic_ids: 'goals' }, 'topic_ids'],
    [{ topic_ids: null }, 'topic_ids'],
    [{ topic_ids: ['goals', 7] }, 'topic_ids.1'],
    [{}, 'topic_ids'],
    [{ topic_ids: ['goals'], nonsense: 1 }, 'nonsense'],
  ] as const) {
    expectProblem(await service('POST /prompts/batch', { body }), 400, 'invalid_input', [path])
  }
  const hundred = await service('POST /prompts/batch', { body: { topic_ids: many(100) } })
  expect([hundred.status, Object.keys(hundred.json.errors ?? {}).length]).toEqual([200, 100])
})

test('an answer holds at most 5 MiB; what no longer fits says so', async () => {
  const folder = await tempFolder()
  const names = Array.from({ length: 8 }, (_, number) => `t${number}`)
  const text = 'x'.repeat(51_200)
  // 16 texts of 50 KB are 0.78 MiB: six topics fit.
  const types = Array.from({ length: 16 }, (_, number) => [`type_${number}`, text])
  for (const name of names) await writeTopic(folder, topicContent(name, Object.fromEntries(types)))
  await writeTopic(folder, topicContent('small', { system: 'x' }))
  const { service } = await startApi({ PROMPTS_DATA_DIR: folder })
  const answer = await service('POST /prompts/batch', { body: { topic_ids: [...names, 'small'] } })
  const { data, errors = {} } = answer.json as unknown as BatchJson
  expect(answer.status).toBe(200)
  expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(5 * 1024 * 1024)
  expect(Object.keys(data)).toEqual([...names.slice(0, 6), 'small'])
  expect(Object.entries(errors).map(([id, { code }]) => [id, code])).toEqual([
    ['t6', 'too_large'],
    ['t7', 'too_large'],
  ])
  expect(dataOf(await service('GET /prompts/t7'))).toMatchObject({ prompts: { type_0: text } })
})

test('an answer of control characters, which JSON writes six times as long, is 5 MiB as well', async () => {
  const folder = await tempFolder()
  const text = '\u0001'.repeat(51_200)
  const types = Array.from({ length: 9 }, (_, number) => [`type_${number}`, text])
  for (const name of ['a', 'b', 'c']) await writeTopic(folder, topicContent(name, Object.fromEntries(types)))
  const { service } = await startApi({ PROMPTS_DATA_DIR: folder })
  const answer = await service('POST /prompts/batch', { body: { topic_ids: ['a', 'b', 'c'] } })
  expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(5 * 1024 * 1024)
  expect(answer.json).toMatchObject({ errors: { b: { code: 'too_large' }, c: { code: 'too_large' } } })
})

test('texts of one, two and four bytes a character are the same alone and together, also when asked again', async () => {
  const folder = await tempFolder()
  const texts = { plain: 'Hello\n', latin: 'Grüße, é', wide: '日本 "😀"' }
  for (const [name, system] of Object.entries(texts)) await writeTopic(folder, topicContent(name, { system }))
  const { service } = await startApi({ PROMPTS_DATA_DIR: folder })
  const expected = (names: string[]) =>
    Object.fromEntries(
      names.map((name) => [name, { prompts: { system: texts[name as keyof typeof texts] } }]),
    )
  for (const topic_ids of [['plain'], ['plain', 'plain', 'latin'], ['wide', 'plain', 'latin'], ['wide']]) {
    for (let time = 0; time < 2; time++) {
      const { json, text, headers } = await service('POST /prompts/batch', { body: { topic_ids } })
      expect(json).toEqual({ data: expected(topic_ids) })
      expect(headers['content-length']).toBe(`${Buffer.byteLength(text)}`)
    }
  }
  for (const [name, system] of Object.entries(texts)) {
    const [one, again] = [await service(`GET /prompts/${name}`), await service(`GET /prompts/${name}`)]
    expect(dataOf(one)).toEqual({ topic_id: name, prompts: { system } })
    expect(one.headers['content-length']).toBe(`${Buffer.byteLength(one.text)}`)
    expect([again.text, again.headers.etag]).toEqual([one.text, one.headers.etag])
  }
})
