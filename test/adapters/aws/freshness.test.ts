import { execFileSync } from 'node:child_process'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import pMap from 'p-map'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { FEED_ID, type Feed } from '../../../src/adapters/dynamodb/feed.ts'
import type { CatalogChange } from '../../../src/services/catalog/catalog.ts'
import { freshPlace, type Place } from '../../helpers/aws-store.ts'
import { waitFor } from '../../helpers/program.ts'
import { bundledScript } from '../../helpers/script.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'
import { openStore } from './writer.ts'

const WRITER = await bundledScript(new URL('writer.ts', import.meta.url))
const FRESHNESS_MS = 1_000
/** What a slow machine may add. */
const SLACK_MS = 200
const CHANGES = 100
/** In which they are made. */
const CHANGES_MS = 10_000

type Instance = Awaited<ReturnType<typeof openOne>>
type Options = Parameters<typeof openStore>[1]

async function openOne(place: Place, options?: Options) {
  const store = openStore(place, options)
  onTestFinished(store.end)
  return { ...(await openServices(store)), dynamodb: store.dynamodb }
}

const idOf = (number: number) => `topic_${number}`
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)

/** A topic with no texts under this name. */
function named(topic_id: string, topic_name: string) {
  const { definition, texts } = topicContent(topic_id)
  return { definition: { ...definition, topic_name }, texts }
}

async function putTopics(instance: Instance, count: number): Promise<void> {
  await pMap(numbers(count), (number) => put(instance, named(idOf(number), 'Old')), { concurrency: 8 })
}

const nameIn = ({ catalog }: Instance, topic_id: string) => catalog.topic(topic_id).topic_name

/** Renames a topic past the program: its feed does not tell. */
function renameItem({ dynamodb }: Instance, { table }: Place, topic_id: string, name: string) {
  const update = { TableName: table, Key: { topic_id }, UpdateExpression: 'SET topic_name = :name' }
  return dynamodb.send(new UpdateCommand({ ...update, ExpressionAttributeValues: { ':name': name } }))
}

/** Resolves when the instance's next call of this name has its answer, or when it has been `sent`. */
function nextCall(
  { dynamodb }: Instance,
  command: string,
  when: 'sent' | 'answered' = 'answered',
): Promise<void> {
  return new Promise((resolve) => {
    dynamodb.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const isMeant = commandName === command
          const answer = next(args)
          if (isMeant && when === 'sent') resolve()
          await answer
          if (isMeant) resolve()
          return answer
        },
      { step: 'finalizeRequest', priority: 'low' },
    )
  })
}

const percentile = (sorted: readonly number[], share: number) =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN)

describeWithAws('an instance hears of what another one does', (parts) => {
  let place: Place
  let writer: Instance
  beforeEach(async () => {
    place = await freshPlace(parts)
  })

  test(`within the freshness bound, ${CHANGES} times`, async ({ annotate }) => {
    writer = await openOne(place)
    await putTopics(writer, 8)
    const { catalog } = await openOne(place)
    const seenAt = new Map<string, number>()
    catalog.onChange((changes) => {
      for (const { topic_id, after } of changes) {
        // Whoever sees a revision sees all before it.
        for (let revision = after?.revision ?? 0; revision > 0; revision--) {
          const name = `${topic_id} ${revision}`
          if (!seenAt.has(name)) seenAt.set(name, performance.now())
        }
      }
    })
    const doneAt = new Map<string, number>()
    const change = async (number: number) => {
      await setTimeout(Math.random() * CHANGES_MS)
      const topic = await put(writer, named(idOf(number % 8), `Name ${number}`))
      doneAt.set(`${topic.topic_id} ${topic.revision}`, performance.now())
    }
    await Promise.all(numbers(CHANGES).map(change))
    expect(doneAt.size).toBe(CHANGES)
    await waitFor(() => [...doneAt.keys()].every((name) => seenAt.has(name)))
    const waits = [...doneAt].map(([name, at]) => Math.max(0, (seenAt.get(name) ?? Number.NaN) - at))
    const sorted = waits.sort((a, b) => a - b)
    const [p50, p99, worst] = [0.5, 0.99, 1].map((share) => percentile(sorted, share))
    await annotate(`p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms`)
    expect(worst).toBeLessThanOrEqual(FRESHNESS_MS + SLACK_MS)
  })

  test.for([1_200, 1_900])('that goes past the feed, within %i ms', async (reconcileMs, { annotate }) => {
    writer = await openOne(place)
    await putTopics(writer, 3)
    const other = await openOne(place, { reconcileMs })
    const waits: number[] = []
    for (const number of numbers(5)) {
      // Whoever changes something right after everything was looked at waits longest.
      await nextCall(other, 'ScanCommand')
      const name = `Name ${number}`
      await renameItem(writer, place, idOf(0), name)
      const changedAt = performance.now()
      await waitFor(() => nameIn(other, idOf(0)) === name)
      waits.push(performance.now() - changedAt)
    }
    const worst = Math.round(Math.max(...waits))
    await annotate(`worst ${worst} ms`)
    expect(worst).toBeLessThanOrEqual(reconcileMs + SLACK_MS)
  })
})

/** Follows what a catalogue tells and shows: whatever is not changed must be there all the time, and untold of. */
function follow({ catalog }: Instance, changed: readonly string[]) {
  const before = new Set(catalog.list().map(({ topic_id }) => topic_id))
  const told: CatalogChange[] = []
  const gaps = new Set<string>()
  function look() {
    const now = new Set(catalog.list().map(({ topic_id }) => topic_id))
    for (const id of before) if (!now.has(id) && !changed.includes(id)) gaps.add(id)
  }
  catalog.onChange((changes) => {
    told.push(...changes)
    look()
  })
  const timer = setInterval(look, 1)
  onTestFinished(() => clearInterval(timer))
  return { told, gaps }
}

/** What becomes of the feed when it tells nothing of what happened; `undefined`: it is gone. */
const accidents: Record<string, (feed: Feed) => Feed | undefined> = {
  'is deleted': () => undefined,
  'goes back': ({ epoch, sequence, changes }) => ({
    epoch,
    sequence: sequence - 3,
    changes: changes.slice(0, -3),
  }),
  'is made anew': ({ sequence }) => ({ epoch: 'another', sequence: sequence + 1, changes: [idOf(0)] }),
  'is made anew from the start': () => ({ epoch: 'another', sequence: 1, changes: [idOf(0)] }),
  'has forgotten': ({ epoch, sequence }) => ({
    epoch,
    sequence: sequence + 60,
    changes: numbers(48).map(() => idOf(0)),
  }),
}

describeWithAws('a feed that cannot tell', (parts) => {
  test.each(Object.entries(accidents))(
    'because it %s: all is compared, and nothing is missing meanwhile',
    async (_, accident) => {
      const place = await freshPlace(parts)
      const [COUNT, CHANGED, GONE, NEW] = [30, idOf(7), idOf(9), 'topic_new']
      const writer = await openOne(place)
      await putTopics(writer, COUNT)
      const other = await openOne(place, { freshnessMs: 200 })
      const { told, gaps } = follow(other, [GONE])

      const { dynamodb } = writer
      const read = async (topic_id: string) =>
        (await dynamodb.send(new GetCommand({ TableName: place.table, Key: { topic_id } }))).Item
      const write = (Item: object) => dynamodb.send(new PutCommand({ TableName: place.table, Item }))
      const remove = (topic_id: string) =>
        dynamodb.send(new DeleteCommand({ TableName: place.table, Key: { topic_id } }))
      await renameItem(writer, place, CHANGED, 'Changed')
      await write({ ...(await read(CHANGED)), topic_id: NEW })
      await remove(GONE)
      const feed = accident((await read(FEED_ID)) as unknown as Feed)
      if (feed) await write({ topic_id: FEED_ID, ...feed })
      else await remove(FEED_ID)

      await waitFor(() => nameIn(other, CHANGED) === 'Changed' && told.length >= 3)
      expect(other.catalog.list()).toHaveLength(COUNT)
      const changes = told.map(({ topic_id, before, after }) => [
        topic_id,
        before?.topic_name,
        after?.topic_name,
      ])
      expect(changes.sort()).toEqual([
        [CHANGED, 'Old', 'Changed'],
        [GONE, 'Old', undefined],
        [NEW, undefined, 'Changed'],
      ])
      // From here on the feed tells again, also of what writers do that knew the earlier one.
      await put(writer, named(idOf(1), 'Later'))
      await waitFor(() => nameIn(other, idOf(1)) === 'Later', 2_000)
      expect(told.slice(3).map(({ topic_id }) => topic_id)).toEqual([idOf(1)])
      expect([...gaps]).toEqual([])
    },
  )
})

/**
 * Stops everything in this process, timers too, until another process has renamed `topic_0` and those that follow it,
 * longer ago than the freshness bound. That is how a machine sleeps, and a function that nobody calls.
 */
function sleepWhileRenamed(place: Place, count = 1): void {
  const words = [WRITER, 'rename', JSON.stringify(place), 'New', `${count}`]
  execFileSync(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

describeWithAws('after a sleep', (parts) => {
  let place: Place
  let sleeper: Instance
  async function openSleeper(count: number) {
    place = await freshPlace(parts)
    await putTopics(await openOne(place), count)
    sleeper = await openOne(place)
  }

  test('the first call waits until what it is answered is up to date', async () => {
    await openSleeper(1)
    sleepWhileRenamed(place)
    expect(nameIn(sleeper, idOf(0))).toBe('Old')
    await sleeper.catalog.catchUp()
    expect(nameIn(sleeper, idOf(0))).toBe('New')
  })

  test('the calls behind the first one wait as well', async () => {
    await openSleeper(1)
    sleepWhileRenamed(place)
    void sleeper.catalog.catchUp()
    // One call after the other, as they arrive.
    while (nameIn(sleeper, idOf(0)) === 'Old') {
      expect(sleeper.catalog.catchUp()).toBeDefined()
      await setImmediate()
    }
  })

  test('that began while the feed was being read, the first call waits as well', async () => {
    await openSleeper(1)
    await nextCall(sleeper, 'GetItemCommand', 'sent')
    await setImmediate()
    sleepWhileRenamed(place)
    await sleeper.catalog.catchUp()
    expect(nameIn(sleeper, idOf(0))).toBe('New')
  })

  test('more changes than the feed remembers are all seen', async () => {
    await openSleeper(60)
    const { told, gaps } = follow(sleeper, [])
    sleepWhileRenamed(place, 60)
    await sleeper.catalog.catchUp()
    expect(sleeper.catalog.list().filter(({ topic_name }) => topic_name !== 'New')).toEqual([])
    expect(told).toHaveLength(60)
    expect(told.every(({ before, after }) => before && after)).toBe(true)
    expect([...gaps]).toEqual([])
  })
})
