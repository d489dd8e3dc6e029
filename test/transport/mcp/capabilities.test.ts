import { expect, it } from 'vitest'
import { connect, connectV1 } from '../../helpers/clients.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { startServer } from '../../helpers/program.ts'

const NOTIFYING = {
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  tools: {},
  completions: {},
}
const MODERN = { ...NOTIFYING, extensions: { 'io.modelcontextprotocol/skills': {} } }
const LISTS = { ...NOTIFYING, resources: { listChanged: true } }

it.each(['2026-07-28', 'legacy'] as const)('stdio serves subscriptions, and says so (%s)', async (era) => {
  const client = await connect({ settings: { PROMPTS_DATA_DIR: await tempFolder() } }, era)
  expect(client.getServerCapabilities()).toEqual(era === 'legacy' ? NOTIFYING : MODERN)
  if (era === 'legacy') await client.subscribeResource({ uri: 'prompt://goals/user' })
  else await client.listen({ resourceSubscriptions: ['prompt://goals/user'] })
})

it('HTTP announces only what a client of its revision can get there', async () => {
  const server = await startServer({ PROMPTS_DATA_DIR: await tempFolder() })
  const modern = await connect(server, '2026-07-28')
  expect(modern.getServerCapabilities()).toEqual(MODERN)
  await modern.listen({ promptsListChanged: true, resourceSubscriptions: ['prompt://goals/user'] })
  for (const client of [await connect(server, 'legacy'), await connectV1(server)]) {
    expect(client.getServerCapabilities()).toEqual(LISTS)
  }
})
