import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect, connectV1 } from '../../helpers/clients.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { faultyPaths, refusal } from '../../helpers/matrix.ts'
import { startServer, waitFor } from '../../helpers/program.ts'
import { topicContent } from '../../helpers/topics.ts'

const COUNT = 1_200

interface Page<T> {
  items: T[]
  nextCursor?: string | undefined
}

/** All pages, each asked for with the cursor of the one before. */
async function pagesOf<T>(ask: (cursor?: string) => Promise<Page<T>>): Promise<T[][]> {
  const pages: T[][] = []
  let cursor: string | undefined
  do {
    const page = await ask(cursor)
    pages.push(page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return pages
}

/** A server with 1,200 topics, whose ids are answered in the order of lists. */
async function startLarge() {
  const folder = await tempFolder()
  const contents = Array.from({ length: COUNT }, (_, number) => {
    const { definition, texts } = topicContent(`t${number}`, { user: `Text ${number}.` })
    return { definition: { ...definition, display_order: number % 7 }, texts }
  })
  for (const content of contents) await writeTopic(folder, content)
  const ids = contents
    .map(({ definition }) => definition)
    .sort((a, b) => a.display_order - b.display_order || (a.topic_id < b.topic_id ? -1 : 1))
    .map(({ topic_id }) => topic_id)
  return { folder, ids, server: await startServer({ PROMPTS_DATA_DIR: folder }) }
}

test('lists go through 1,200 topics in pages of 500 without a gap or a repeat', async () => {
  const { ids, server } = await startLarge()
  // This client asks for the page that it is told to; the newer one collects all pages itself.
  const client = await connectV1(server)
  const prompts = await pagesOf(async (cursor) => {
    const { prompts, nextCursor } = await client.listPrompts({ cursor })
    return { items: prompts.map(({ name }) => name), nextCursor }
  })
  expect(prompts.map((page) => page.length)).toEqual([500, 500, 200])
  expect(prompts.flat()).toEqual(ids)

  const resources = await pagesOf(async (cursor) => {
    const { resources, nextCursor } = await client.listResources({ cursor })
    return { items: resources.map(({ uri }) => uri), nextCursor }
  })
  expect(resources.map((page) => page.length)).toEqual([1000, 1000, 400])
  expect(resources.flat()).toEqual(ids.flatMap((id) => [`prompt://${id}`, `prompt://${id}/user`]))

  const modern = await connect(server, '2026-07-28')
  expect((await modern.listPrompts()).prompts.map(({ name }) => name)).toEqual(ids)
  expect((await modern.listResources()).resources).toHaveLength(2 * COUNT)
})

test('a topic that goes between two pages makes no gap on the next', async () => {
  const { folder, ids, server } = await startLarge()
  const client = await connectV1(server)
  const { nextCursor } = await client.listPrompts()
  const gone = ids.slice(498, 500)
  for (const id of gone) await rm(join(folder, 'topics', `${id}.json`))
  for (const id of gone) await rm(join(folder, 'prompts', id), { recursive: true })
  await waitFor(async () => {
    const { prompts } = await client.listPrompts()
    return !prompts.some(({ name }) => gone.includes(name))
  })
  const { prompts } = await client.listPrompts({ cursor: nextCursor })
  expect(prompts.map(({ name }) => name)).toEqual(ids.slice(500, 1000))
})

test('refuses a cursor that no page gave', async () => {
  const client = await connectV1(await startServer({ PROMPTS_DATA_DIR: await tempFolder() }))
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const wrong = ['nonsense', '', encode([1]), encode([1, 'No!']), encode({ a: 1 }), 'x'.repeat(10_000)]
  for (const cursor of wrong) {
    for (const list of [() => client.listPrompts({ cursor }), () => client.listResources({ cursor })]) {
      const { code, data } = await refusal(list())
      expect({ code, data }).toEqual({
        code: -32602,
        data: expect.objectContaining({ code: 'invalid_input' }),
      })
      expect(faultyPaths(data)).toEqual(['cursor'])
    }
  }
})
