import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ListObjectVersionsCommand, type ObjectVersion } from '@aws-sdk/client-s3'
import pMap from 'p-map'
import { expect, onTestFinished, test } from 'vitest'
import { changeFeed } from '../../../src/adapters/dynamodb/feed.ts'
import { fingerprint, type PromptStore } from '../../../src/domain/prompt-store.ts'
import { definitionOf, type TopicContent, type TopicDefinition } from '../../../src/domain/topic.ts'
import { versionText } from '../../contracts/store.ts'
import { freshPlace, openAws, type Place } from '../../helpers/aws-store.ts'
import { runCommand, withAwsSettings } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { environmentOf, PROGRAM, waitFor } from '../../helpers/program.ts'
import { openServices, put } from '../../helpers/services.ts'
import { folderWith } from '../../helpers/source-folder.ts'
import { topicContent } from '../../helpers/topics.ts'
import { type AwsParts, describeWithAws, environmentFor, freshNames } from '../../stand-ins/aws.ts'
import { startFaultProxy } from '../../stand-ins/fault-proxy.ts'
import { type Fault, LOST } from '../../stand-ins/faults.ts'

// Commands of the built program, killed at every point at which the store is in a state of its own.

/** Programs that run and are killed side by side, each with a place of its own. */
const LANES = 4
/** Every prompt type of these tests. */
const TYPES = ['system', 'user']
const TEXTS = { system: 'one', user: 'two' }

/** Exit codes. */
const UNCHANGED = 0
const NOT_FOUND = 4
const CONFLICT = 5

/** A command that is killed. */
interface Victim {
  /** What is published before, one after the other. */
  before: TopicContent[]
  words(prompts: PromptStore): Promise<string[]> | string[]
  /** How it ends when it is run again although it had done its work. */
  again: number
}

/** Topic `t` as it is published for the `number`-th time. */
function version(number: number): TopicContent {
  return topicContent('t', { system: `system ${number}`, user: `user ${Math.min(number, 2)}` })
}
const withoutSystem: TopicContent = { ...version(2), texts: { user: 'user 2' } }

const update: Victim = {
  before: [version(1), version(2)],
  words: () => ['prompts', 'update', 't', 'system', '--content', 'new', '--expected-revision', '2'],
  again: CONFLICT,
}
const restoreFirst: Pick<Victim, 'words' | 'again'> = {
  async words(prompts) {
    const oldest = (await prompts.history('t', 'system')).at(-1)
    return ['prompts', 'restore', 't', 'system', '--version-id', oldest?.version_id ?? '']
  },
  again: UNCHANGED,
}
const newTopic = ['--topic-id', 't', '--topic-name', 'T', '--topic-type', 'kpi_system', '--category', 'kpi']
const victims: Record<string, Victim> = {
  'topics create': {
    before: [],
    words: () => ['topics', 'create', ...newTopic, '--prompts', '{"system":"one","user":"two"}'],
    again: CONFLICT,
  },
  'prompts update': update,
  'topics update': {
    before: [version(1), version(2)],
    words: () => ['topics', 'update', 't', '--topic-name', 'New'],
    again: UNCHANGED,
  },
  'prompts delete': {
    before: [version(1), version(2)],
    words: () => ['prompts', 'delete', 't', 'system'],
    again: NOT_FOUND,
  },
  'topics delete': {
    before: [version(1), version(2)],
    words: () => ['topics', 'delete', 't'],
    again: NOT_FOUND,
  },
  'prompts restore': { before: [version(1), version(2), version(3)], ...restoreFirst },
  'prompts restore after a deletion': { before: [version(1), version(2), withoutSystem], ...restoreFirst },
  import: {
    before: [],
    words: async () => ['import', await folderWith(topicContent('t', TEXTS), topicContent('u', TEXTS))],
    again: UNCHANGED,
  },
}

/** The store at a place as somebody sees it who has just started. */
async function freshly<T>(place: Place, work: (store: ReturnType<typeof openAws>) => Promise<T>): Promise<T> {
  const store = openAws(place)
  try {
    return await work(store)
  } finally {
    store.dynamodb.destroy()
    store.s3.destroy()
  }
}

/** A place of its own with everything that the victim needs, and the victim's words. */
async function prepare(parts: AwsParts, { before, words }: Victim, versioned: boolean) {
  const place = await freshPlace(parts, { versioned })
  return freshly(place, async ({ topics, prompts }) => {
    if (before.length > 0) {
      const services = await openServices({ topics, prompts })
      for (const content of before) await put(services, content)
      await services.catalog.close()
    }
    return { place, words: await words(prompts) }
  })
}

/**
 * Where the program is killed: before a write is forwarded, which then never is, or when the server has done the last
 * one and before its answer arrives. What is left after any other write is what is left before the next. Before the
 * first there were only reads, which leave nothing behind.
 */
interface Cut {
  when: 'before write' | 'after write'
  nth: number
}
/** Not counted as a call: a slow machine makes more of them. */
const FEED_READ = 'GetItem'
const WRITES = /^(TransactWriteItems|PutObject|DeleteObject|(Put|Update|Delete)Item)/
const READS = /^(DescribeTable|Query|Scan|BatchGetItem|GetObject|GET |HEAD )/

interface Attempt {
  /** How it ended by itself; `null` when it was killed. */
  code: number | null
  said: string
  /** What it asked for until then. */
  calls: string[]
  /** Writes that the servers have done. */
  written: number
}

/** Runs the program with proxies before both servers and kills it at the cut, if one is given. */
async function attempt(place: Place, parts: AwsParts, words: string[], cut?: Cut): Promise<Attempt> {
  const proxies = await Promise.all([startFaultProxy(parts.dynamodb), startFaultProxy(parts.s3)])
  const [dynamodb, s3] = proxies.map(({ endpoint }) => endpoint) as [string, string]
  const env = environmentOf(await environmentAt(place, { ...parts, dynamodb, s3 }))
  const child = spawn(process.execPath, [PROGRAM, ...words], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const calls: string[] = []
  let sent = 0
  let written = 0
  let underWay = 0

  function killIf(isTime: boolean): void {
    if (isTime) child.kill('SIGKILL')
    // What a hook throws breaks the connection: the call is dropped, or its answer is lost.
    if (child.killed) throw new Error('killed')
  }
  for (const proxy of proxies) {
    proxy.beforeForward = (op) => {
      if (op !== FEED_READ) calls.push(op)
      if (WRITES.test(op)) sent++
      killIf(cut?.when === 'before write' && sent === cut.nth)
      underWay++
    }
    proxy.afterForward = (op) => {
      underWay--
      if (!WRITES.test(op)) return
      written++
      killIf(cut?.when === 'after write' && written === cut.nth)
    }
  }
  const [code] = await ended
  // The servers go on with what had reached them.
  await waitFor(() => underWay === 0)
  await Promise.all(proxies.map((proxy) => proxy.stop()))
  return { code, said, calls, written }
}

/** The settings of a program at this place. */
async function environmentAt({ table, bucket }: Place, parts: AwsParts) {
  const settings = environmentFor(parts, { ...freshNames(), table, bucket })
  // A slow machine may take a store for unreachable for a moment, which is worth a warning and no failure.
  return { ...settings, PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_LOG_LEVEL: 'error' }
}

interface TextState {
  revision: number
  text: string
  updated_by: string
}

/** All that can be seen of a topic, apart from times and places. */
interface TopicState {
  topic?: {
    definition: TopicDefinition
    revision: number
    deleted: boolean
    texts: Record<string, TextState>
  }
  /** By prompt type, the newest first. */
  history: Record<string, TextState[]>
}

/**
 * The store as somebody sees it who starts after the crash. Whatever is there must be whole.
 *
 * @param expected ids that are looked at even if there is no such topic.
 */
function stateOf(place: Place, expected: readonly string[] = []): Promise<Map<string, TopicState>> {
  return freshly(place, async ({ dynamodb, topics, prompts }) => {
    const found = new Map<string, NonNullable<TopicState['topic']>>()
    for await (const stored of topics.all()) {
      if ('invalid' in stored) throw new Error(`${stored.topic_id}: ${stored.invalid}`)
      const { topic } = stored
      const texts: Record<string, TextState> = {}
      for (const info of topic.prompts) {
        const text = await prompts.read(topic.topic_id, info)
        texts[info.prompt_type] = textState(info, text)
      }
      const deleted = topic.deleted_at !== undefined
      const { revision } = topic
      found.set(topic.topic_id, { definition: definitionOf(topic), revision, deleted, texts })
    }
    // The feed has told of every change, and of none that did not happen.
    const changes = [...found.values()].reduce((sum, { revision }) => sum + revision, 0)
    expect((await changeFeed(dynamodb, place.table).read())?.sequence ?? 0).toBe(changes)
    const ids = new Set([...found.keys(), ...expected])
    const states = await pMap(ids, async (id): Promise<[string, TopicState]> => {
      const topic = found.get(id)
      const histories = TYPES.map(async (type) => [type, await historyOf(prompts, id, type)] as const)
      const history = Object.fromEntries(await Promise.all(histories))
      for (const [type, text] of Object.entries(topic?.texts ?? {})) expect(history[type]?.[0]).toEqual(text)
      return [id, { ...(topic && { topic }), history }]
    })
    return new Map(states)
  })
}

async function historyOf(prompts: PromptStore, id: string, type: string): Promise<TextState[]> {
  const versions = await prompts.history(id, type)
  const revisions = versions.map(({ revision }) => revision)
  expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => b - a))
  return Promise.all(
    versions.map(async (one) => textState(one, await versionText(prompts, id, type, one.version_id))),
  )
}

type Facts = Omit<TextState, 'text'> & ReturnType<typeof fingerprint>

/** A text and its facts, which belong together. */
function textState({ revision, sha256, bytes, updated_by }: Facts, text: string): TextState {
  expect(fingerprint(text)).toEqual({ sha256, bytes })
  return { revision, text, updated_by }
}

/** Texts in the bucket that were never published. Where it keeps versions: those between texts that were. */
function leftovers(place: Place, ids: readonly string[], versioned: boolean): Promise<string[]> {
  return freshly(place, async ({ s3, prompts }) => {
    const prefixes = ids.flatMap((id) => TYPES.map((type) => ({ id, type })))
    const found = await pMap(prefixes, async ({ id, type }) => {
      const Prefix = `prompts/${id}/${type}${versioned ? '.md' : '/'}`
      const command = new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix })
      const { Versions = [], DeleteMarkers = [] } = await s3.send(command)
      expect(DeleteMarkers).toEqual([])
      const published = new Set((await prompts.history(id, type)).map(({ version_id }) => version_id))
      const isPublished = ({ Key = '', VersionId = '' }: ObjectVersion) =>
        published.has(versioned ? VersionId : Key.slice(Prefix.length, -'.md'.length))
      expect(Versions.filter(isPublished)).toHaveLength(published.size)
      const among = versioned
        ? Versions.slice(Versions.findIndex(isPublished), Versions.findLastIndex(isPublished) + 1)
        : Versions
      return among.filter((one) => !isPublished(one)).map(({ Key, VersionId }) => `${Key} ${VersionId}`)
    })
    return found.flat()
  })
}

/** Kills the victim at every cut point, each time at a place of its own. */
async function killEverywhere(parts: AwsParts, victim: Victim, versioned = true): Promise<void> {
  const undisturbed = await prepare(parts, victim, versioned)
  withAwsSettings(await environmentAt(undisturbed.place, parts))
  const before = await stateOf(undisturbed.place)
  const uncut = await attempt(undisturbed.place, parts, undisturbed.words)
  expect({ code: uncut.code, said: uncut.said }).toEqual({ code: 0, said: '' })
  expect(uncut.calls.filter((op) => !WRITES.test(op) && !READS.test(op))).toEqual([])
  const after = await stateOf(undisturbed.place)
  expect(after).not.toEqual(before)
  const ids = [...after.keys()]
  const nothing: TopicState = { history: Object.fromEntries(TYPES.map((type) => [type, []])) }

  async function killAt(cut: Cut): Promise<void> {
    const { place, words } = await prepare(parts, victim, versioned)
    const { code, said, calls } = await attempt(place, parts, words, cut)
    const at = `killed ${cut.when} ${cut.nth} (${calls.join(' ')})`
    expect({ at, code, said }).toEqual({ at, code: null, said: '' })
    const state = await stateOf(place, ids)
    expect([...state.keys()].sort(), at).toEqual([...ids].sort())
    for (const [id, one] of state) {
      const old = before.get(id) ?? nothing
      expect([old, after.get(id)], at).toContainEqual(one)
    }
    const hasHappened = ids.every((id) => state.get(id)?.topic?.revision === after.get(id)?.topic?.revision)
    const again = await runCommand(words, await environmentAt(place, parts))
    expect({ at, code: again.code }).toEqual({ at, code: hasHappened ? victim.again : 0 })
    expect(await stateOf(place), at).toEqual(after)
    expect(await leftovers(place, ids, versioned), at).toEqual([])
  }

  const cuts = Array.from(
    { length: uncut.written - 1 },
    (_, index): Cut => ({ when: 'before write', nth: index + 2 }),
  )
  cuts.push({ when: 'after write', nth: uncut.written })
  await pMap(cuts, killAt, { concurrency: LANES })
}

describeWithAws('a program that is killed at any instant leaves the old or the new topic', (parts) => {
  test.each(Object.entries(victims))(
    '%s',
    async (_, victim) => {
      await killEverywhere(parts, victim)
    },
    600_000,
  )

  test('prompts update in a bucket that keeps no versions', async () => {
    await killEverywhere(parts, update, false)
  }, 600_000)
})

/** Amazon S3 lists times in whole seconds; here all that a test writes is written in the same one. */
const sameSecond = (): Fault => ({
  name: 'sameSecond',
  only: /list-type|versions/i,
  async act(asked, respond) {
    const answer = await respond(asked)
    if (answer === LOST) return LOST
    const text = answer.body.toString().replace(/(<LastModified>[^<]+):[\d.]+Z/g, '$1:00.000Z')
    const body = Buffer.from(text)
    return { ...answer, headers: { ...answer.headers, 'content-length': `${body.length}` }, body }
  },
})

describeWithAws('sweeping', (parts) => {
  test.each([true, false])(
    'leaves what is published, however times are listed (versions: %s)',
    async (versioned) => {
      const place = await freshPlace(parts, { versioned })
      const proxy = await startFaultProxy(parts.s3)
      onTestFinished(() => proxy.stop())
      proxy.inject(sameSecond(), { times: Number.POSITIVE_INFINITY })
      await freshly({ ...place, parts: { ...parts, s3: proxy.endpoint } }, async ({ topics, prompts }) => {
        const services = await openServices({ topics, prompts })
        for (let number = 1; number <= 12; number++) await put(services, version(number))
        // One list for each text and the one before it.
        await waitFor(() => proxy.requests.filter(({ op }) => /versions/.test(op)).length >= 11)
        await waitFor(() => proxy.requests.every(({ status }) => status !== undefined))
      })
      const history = (await stateOf(place)).get('t')?.history['system'] ?? []
      expect(history.map(({ text }) => text)).toEqual(
        Array.from({ length: 12 }, (_, index) => `system ${12 - index}`),
      )
    },
  )
})
