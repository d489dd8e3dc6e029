import type { S3Client } from '@aws-sdk/client-s3'
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { expect, test } from 'vitest'
import { PRIORITY_ATTRIBUTE } from '../../../src/adapters/dynamodb/write-priority.ts'
import { newTopic, topicOf } from '../../contracts/store.ts'
import { freshPlace, openAws, type Place } from '../../helpers/aws-store.ts'
import { failureOf } from '../../helpers/errors.ts'
import { openServices, put, putBodies } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'

type Instance = ReturnType<typeof openAws>

/** A new store that looks for changes of others so rarely that all calls are its own. */
const openQuiet = (place: Place) => openAws(place, { freshnessMs: 600_000, reconcileMs: 600_000 })

/** Names of the calls that an instance makes from now on, without those of the sweep behind an edit. */
function callsOf({ dynamodb, s3 }: Instance): string[] {
  const calls: string[] = []
  for (const client of [dynamodb, s3] as Pick<DynamoDBDocumentClient & S3Client, 'middlewareStack'>[]) {
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) => {
          if (!commandName.startsWith('List')) calls.push(commandName)
          return next(args)
        },
      { step: 'build' },
    )
  }
  return calls
}

describeWithAws('an edit', (parts) => {
  test('reads the topic once, and writes its text and its record once', async () => {
    const store = openQuiet(await freshPlace(parts))
    const services = await openServices(store)
    await put(services, topicContent('t', { system: 'one', user: 'two' }))
    const calls = callsOf(store)
    const published = await putBodies(services, 't', { user: 'three' })
    expect(calls.splice(0)).toEqual(['GetItemCommand', 'PutObjectCommand', 'TransactWriteItemsCommand'])
    expect(published?.topic.revision).toBe(2)
  })

  test('of a new topic reads it once, too', async () => {
    const store = openQuiet(await freshPlace(parts))
    const services = await openServices(store)
    await put(services, topicContent('other', { user: 'x' }))
    const calls = callsOf(store)
    await services.topics.get('t')
    await services.topics.save(newTopic('t', { user: 'x' }), { user: 'x' })
    expect(calls.splice(0)).toEqual(['GetItemCommand', 'PutObjectCommand', 'TransactWriteItemsCommand'])
  })

  test('that has not read the topic does so before it writes anything', async () => {
    const place = await freshPlace(parts)
    const store = openQuiet(place)
    const first = await store.topics.save(newTopic('t', {}), {})
    const calls = callsOf(store)
    await store.topics.save(first, {})
    expect(calls.splice(0)).toEqual(['GetItemCommand', 'TransactWriteItemsCommand'])
    expect((await failureOf(() => store.topics.save(first, {}))).code).toBe('conflict')
    expect(calls.splice(0)).toEqual(['GetItemCommand'])
  })

  test('is refused if another instance has written since it read the topic, and leaves no text', async () => {
    const place = await freshPlace(parts)
    const [one, other] = [openAws(place), openAws(place)]
    await one.topics.save(newTopic('t', {}), {})
    const read = await topicOf(one.topics, 't')
    const current = await other.topics.save({ ...read, topic_name: 'Other' }, {})
    const calls = callsOf(one)
    const edit = { ...read, prompts: newTopic('t', { user: 'lost' }).prompts }
    expect((await failureOf(() => one.topics.save(edit, { user: 'lost' }))).code).toBe('conflict')
    expect(calls.splice(0)).toContain('DeleteObjectCommand')
    expect(await topicOf(one.topics, 't')).toEqual(current)
    const again = { ...current, prompts: edit.prompts }
    expect((await one.topics.save(again, { user: 'won' })).revision).toBe(3)
    expect((await one.prompts.history('t', 'user')).map(({ revision }) => revision)).toEqual([1])
  })

  test('keeps what was retired, and the history, from the read that it uses', async () => {
    const store = openQuiet(await freshPlace(parts))
    const services = await openServices(store)
    await put(services, topicContent('t', { system: 'one', user: 'two' }))
    await put(services, topicContent('t', { user: 'two' }))
    await putBodies(services, 't', { user: 'three' })
    const versions = async (type: string) =>
      (await store.prompts.history('t', type)).map(({ revision }) => revision)
    expect([await versions('system'), await versions('user')]).toEqual([[1], [2, 1]])
    await putBodies(services, 't', { system: 'four' })
    expect(await versions('system')).toEqual([2, 1])
  })

  test('that has read the topic before a claim of priority ends no claim', async () => {
    const place = await freshPlace(parts)
    const [slow, fast] = [openAws(place), openAws(place)]
    const first = await slow.topics.save(newTopic('t', {}), {})
    await fast.topics.save(first, {})
    const read = await topicOf(fast.topics, 't')
    await failureOf(() => slow.topics.save(first, {}, 2))
    const current = await fast.topics.save(read, {})
    const { Item } = await slow.dynamodb.send(
      new GetCommand({ TableName: place.table, Key: { topic_id: 't' }, ConsistentRead: true }),
    )
    expect(Item?.[PRIORITY_ATTRIBUTE]).toEqual(expect.any(String))
    // The next edit of the fast one yields.
    const next = await topicOf(fast.topics, 't')
    const outcome = failureOf(() => fast.topics.save(next, {}))
    expect((await slow.topics.save(current, {}, 3)).revision).toBe(4)
    expect((await outcome).code).toBe('conflict')
  })
})
