import { expect, test } from 'vitest'
import { shared } from '../../helpers/at-end.ts'
import { connect, connectV1 } from '../../helpers/clients.ts'
import { runCommand } from '../../helpers/command.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { startServer, waitFor } from '../../helpers/program.ts'
import { topicContent } from '../../helpers/topics.ts'

const COUNT = 1_200

/** A server with 1,200 topics, and their ids in the order of lists. The last test deletes some. */
const large = shared(async (atEnd) => {
  const folder = await tempFolder(atEnd)
  const contents = Array.from({ length: COUNT }, (_, number) => {
    const { definition, texts } = topicContent(`t${number}`, { user: `Text ${number}.` })
    return { definition: { ...definition, display_order: number % 7 }, texts }
  })
  for (const content of contents) await writeTopic(folder, content)
  const ids = contents
    .map(({ definition }) => definition)
    .sort((a, b) => a.display_order - b.display_order || (a.topic_id < b.topic_id ? -1 : 1))
    .map(({ topic_id }) => topic_id)
  return { folder, ids, server: await startServer({ PROMPTS_DATA_DIR: folder }, atEnd) }
})

test('a client that collects all pages itself gets 1,200 topics', async () => {
  const { ids, server } = large
  const modern = await connect(server, '2026-07-28')
  expect((await modern.listPrompts()).prompts.map(({ name }) => name)).toEqual(ids)
  expect((await modern.listResources()).resources).toHaveLength(2 * COUNT)
}, 60_000)

test('a topic that goes between two pages makes no gap on the next', async () => {
  const { folder, ids, server } = large
  const client = await connectV1(server)
  const { nextCursor } = await client.listPrompts()
  const gone = ids.slice(498, 500)
  for (const id of gone) await runCommand(['topics', 'delete', id], { PROMPTS_DATA_DIR: folder })
  await waitFor(async () => {
    const { prompts } = await client.listPrompts()
    return !prompts.some(({ name }) => gone.includes(name))
  })
  const { prompts } = await client.listPrompts({ cursor: nextCursor })
  expect(prompts.map(({ name }) => name)).toEqual(ids.slice(500, 1000))
}, 60_000)
