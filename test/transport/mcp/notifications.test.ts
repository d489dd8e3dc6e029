import { appendFile, cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { canonicalUri } from '../../../src/transport/mcp/uris.ts'
import { topicOf } from '../../contracts/store.ts'
import { shared } from '../../helpers/at-end.ts'
import { connect } from '../../helpers/clients.ts'
import { runCommand } from '../../helpers/command.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { targetOf } from '../../helpers/matrix.ts'
import { PACKAGE_ROOT, waitFor } from '../../helpers/program.ts'
import { topicContent } from '../../helpers/topics.ts'

const PROMPTS = 'prompts/list_changed'
const RESOURCES = 'resources/list_changed'
const UPDATED = 'resources/updated'

/** How long a change may take to reach a client. */
const PROMPTLY_MS = 1_200
/** A burst is over when nothing has come for so long. */
const QUIET_MS = 600

const LISTENERS = [
  { era: 'legacy', transport: 'stdio' },
  { era: '2026-07-28', transport: 'stdio' },
  { era: '2026-07-28', transport: 'HTTP' },
  { era: 'legacy', transport: 'HTTP' },
] as const

/** What a client follows that can. */
const FOLLOWED = ['PROMPT://g%6Fals/', 'prompt://goals/user', 'prompt://vision', 'prompt://vision/system']

describe.each(LISTENERS)('a $era client over $transport', ({ era, transport }) => {
  const canFollow = !(era === 'legacy' && transport === 'HTTP')
  /** What is heard of a resource by a client that can follow it. */
  const updated = (...uris: string[]) => (canFollow ? uris.map((uri) => `${UPDATED} ${uri}`) : [])

  /** A client that follows the lists and some resources, and what it hears. */
  const listener = shared(async (atEnd) => {
    const folder = await tempFolder(atEnd)
    const client = await connect(await targetOf(transport, folder, [], atEnd), era, atEnd)
    const heard: { what: string; at: number }[] = []
    const hear = (what: string) => void heard.push({ what, at: Date.now() })
    client.setNotificationHandler(`notifications/${PROMPTS}`, () => hear(PROMPTS))
    client.setNotificationHandler(`notifications/${RESOURCES}`, () => hear(RESOURCES))
    client.setNotificationHandler(`notifications/${UPDATED}`, ({ params }) =>
      hear(`${UPDATED} ${params.uri}`),
    )
    if (!canFollow)
      await setTimeout(100) // until the stream is open
    else if (era === 'legacy') for (const uri of FOLLOWED) await client.subscribeResource({ uri })
    else {
      const filter = {
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: FOLLOWED,
      }
      const { honoredFilter } = await client.listen(filter)
      expect(honoredFilter).toEqual({ ...filter, resourceSubscriptions: FOLLOWED.map(canonicalUri) })
    }
    return {
      folder,
      /** Names of prompts with a beginning, read anew. */
      async names(beginning: string) {
        const { prompts } = await client.listPrompts({}, { cacheMode: 'refresh' })
        return prompts.map(({ name }) => name).filter((name) => name.startsWith(beginning))
      },
      /**
       * What is heard of `change`, in alphabetical order, once it has become quiet, and when the first came. `isComplete`
       * is asked after each notice, as clients read anew what they are told of, until it is true.
       */
      async told(change: () => Promise<unknown>, isComplete: () => unknown = () => true) {
        heard.length = 0
        const startedAt = Date.now()
        await change()
        let answered = 0
        await waitFor(() => {
          if (heard.length === answered) return false
          answered = heard.length
          return isComplete()
        })
        await waitFor(() => Date.now() - (heard.at(-1)?.at ?? 0) > QUIET_MS)
        return { heard: heard.map(({ what }) => what).sort(), tookMs: (heard[0]?.at ?? 0) - startedAt }
      },
    }
  })

  test('hears of a text that a person edits, if it follows the resource', async () => {
    const { folder, told } = listener
    const { heard, tookMs } = await told(async () => {
      await appendFile(join(folder, 'prompts/goals/user.md'), 'One more line.\n')
      await appendFile(join(folder, 'prompts/purpose/user.md'), 'One more line.\n')
    })
    // The list of resources names sizes.
    expect(heard).toEqual([RESOURCES, ...updated('prompt://goals', 'prompt://goals/user')])
    expect(tookMs).toBeLessThan(PROMPTLY_MS)
  })

  test('hears promptly of a text that another process changes', async () => {
    const { folder, told } = listener
    const source = await tempFolder()
    await cp(join(PACKAGE_ROOT, 'seeds'), source, { recursive: true })
    await writeFile(join(source, 'prompts/goals/user.md'), 'Entirely new.\n')
    let importedAt = 0
    const startedAt = Date.now()
    const { heard, tookMs } = await told(async () => {
      const { code } = await runCommand(['import', source], { PROMPTS_DATA_DIR: folder })
      importedAt = Date.now()
      expect(code).toBe(0)
    })
    expect(heard).toEqual([RESOURCES, ...updated('prompt://goals', 'prompt://goals/user')])
    expect(startedAt + tookMs - importedAt).toBeLessThan(PROMPTLY_MS)
  })

  test('hears once of topics that a person adds', async () => {
    const { folder, names, told } = listener
    const { heard, tookMs } = await told(async () => {
      await writeTopic(folder, topicContent('added_one', { user: 'Hello.' }))
      await writeTopic(folder, topicContent('added_two', { user: 'Hello.' }))
    })
    expect(heard).toEqual([PROMPTS, RESOURCES])
    expect(tookMs).toBeLessThan(PROMPTLY_MS)
    expect(await names('added')).toHaveLength(2)
  })

  test('hears a few times only of 50 topics that another process imports', async () => {
    const { folder, names, told } = listener
    const source = await tempFolder()
    for (let number = 0; number < 50; number++) {
      await writeTopic(source, topicContent(`imported_${number}`, { system: 'Be brief.', user: 'Hello.' }))
    }
    const startedAt = Date.now()
    let importMs = 0
    const importAll = async () => {
      const { code } = await runCommand(['import', source], { PROMPTS_DATA_DIR: folder })
      importMs = Date.now() - startedAt
      expect(code).toBe(0)
    }
    const { heard } = await told(importAll, async () => (await names('imported')).length === 50)
    // A burst is announced every half second at most, for as long as a slow machine imports.
    const most = Math.max(3, 1 + Math.ceil(importMs / 500))
    for (const what of [PROMPTS, RESOURCES]) {
      const times = heard.filter((one) => one === what).length
      expect(times).toBeGreaterThanOrEqual(1)
      expect(times).toBeLessThanOrEqual(most)
    }
    expect(heard.filter((what) => what.startsWith(UPDATED))).toEqual([])
  })

  test('hears of a topic that another process deletes', async () => {
    const { folder, names, told } = listener
    const { topics } = openFiles(folder)
    const goals = await topicOf(topics, 'goals')
    const { heard, tookMs } = await told(async () => {
      await topics.save({ ...goals, is_active: false, deleted_at: new Date().toISOString() }, {})
    })
    expect(heard).toEqual([PROMPTS, RESOURCES, ...updated('prompt://goals', 'prompt://goals/user')])
    expect(tookMs).toBeLessThan(PROMPTLY_MS)
    expect(await names('goals')).toEqual([])
  })
})

test('a legacy client over stdio hears nothing more of a resource that it no longer follows', async () => {
  const folder = await tempFolder()
  const client = await connect(await targetOf('stdio', folder), 'legacy')
  const heard: string[] = []
  client.setNotificationHandler(`notifications/${UPDATED}`, ({ params }) => void heard.push(params.uri))
  await client.subscribeResource({ uri: 'prompt://goals/user' })
  await client.subscribeResource({ uri: 'prompt://vision/user' })
  await client.unsubscribeResource({ uri: 'prompt://goals/user' })
  await appendFile(join(folder, 'prompts/goals/user.md'), 'One more line.\n')
  await appendFile(join(folder, 'prompts/vision/user.md'), 'One more line.\n')
  await waitFor(() => heard.includes('prompt://vision/user'))
  expect(heard).toEqual(['prompt://vision/user'])
})
