import {
  type DynamoDBDocumentClient,
  GetCommand,
  paginateScan,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { AppError, invalidInput } from '../../domain/errors.ts'
import { isIdentifier } from '../../domain/identifiers.ts'
import { sameJson } from '../../domain/json.ts'
import type {
  PromptInfo,
  StoredTopic,
  PromptTexts as Texts,
  Topic,
  TopicRepository,
} from '../../domain/topic.ts'
import { callAws, causeOf } from '../aws/calls.ts'
import type { ObjectRef, ObjectStore } from '../s3/object-store.ts'
import { removeOrphans } from '../s3/sweep.ts'
import type { ChangeFeed } from './feed.ts'
import { followFeed } from './follow.ts'
import { changesFor, promptsEverIn, revisionOf, type TopicItem, topicIn } from './record.ts'
import { TURN, topicTurns } from './write-priority.ts'

export interface DynamoTopicsOptions {
  client: DynamoDBDocumentClient
  table: string
  feed: ChangeFeed
  objects: ObjectStore
  freshnessMs: number
  reconcileMs: number
  warn: (message: string, cause?: unknown) => void
}

/** Reads the item of a topic, strongly consistent. */
export type ReadItem = (topic_id: string) => Promise<TopicItem | undefined>

export function itemReader(client: DynamoDBDocumentClient, table: string): ReadItem {
  const place = { action: 'dynamodb:GetItem', resource: `table ${table}`, setting: 'PROMPTS_TABLE' }
  return async (topic_id) => {
    const command = new GetCommand({ TableName: table, Key: { topic_id }, ConsistentRead: true })
    const { Item } = await callAws(place, (options) => client.send(command, options))
    return Item as TopicItem | undefined
  }
}

/**
 * Topics in a DynamoDB table, their texts in S3.
 *
 * A change happens when the record is written: one transaction writes it, if it is still what the edit was made from,
 * and tells of it in the feed. Texts are written before, to places that nothing points to yet; a writer that loses or
 * dies leaves such a text behind, which the next writer of the same prompt sweeps.
 */
export function dynamoTopics(options: DynamoTopicsOptions): TopicRepository {
  const { client, table, feed, objects, freshnessMs, reconcileMs, warn } = options
  const readItem = itemReader(client, table)
  const turns = topicTurns(client, table, readItem)

  /** Writes the new texts, all or none. */
  async function writeTexts(topic: Topic, changed: Texts, before: ReadonlyMap<string, PromptInfo>) {
    const isChanged = ({ prompt_type }: PromptInfo) => changed[prompt_type] !== undefined
    const writing = topic.prompts.filter(isChanged).map(async (info) => {
      const previous = before.get(info.prompt_type)
      const place = await objects.write(topic.topic_id, info, changed[info.prompt_type] as string, previous)
      return { previous, info: { ...info, ...place } }
    })
    const outcomes = await Promise.allSettled(writing)
    const written = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) {
      await remove(written.map(({ info }) => info))
      throw failed.reason
    }
    return written
  }

  /** Failing to clean up is no failure of the work: what is left is swept later. */
  async function remove(places: readonly ObjectRef[]): Promise<void> {
    await Promise.allSettled(places.map((place) => objects.remove(place)))
  }

  async function save(topic: Topic, changed: Texts, losses = 0): Promise<Topic> {
    const { topic_id } = topic
    const item = await turns.await(topic_id, topic.revision)
    if (revisionOf(item) !== topic.revision) throw await lost(topic_id, losses + 1)
    const before = await promptsEverIn(item, objects)
    const written = await writeTexts(topic, changed, before)
    const infos = new Map(written.map(({ info }) => [info.prompt_type, info]))
    const prompts = topic.prompts.map((info) => infos.get(info.prompt_type) ?? info)
    const next: Topic = { ...topic, prompts, revision: topic.revision + 1 }
    const kept = new Set(prompts.map((info) => info.prompt_type))
    const retired = [...before.values()].filter((info) => !kept.has(info.prompt_type))
    if (!(await write(next, retired, item))) {
      await remove([...infos.values()])
      throw await lost(topic_id, losses + 1)
    }
    for (const { info, previous } of written) {
      removeOrphans(objects, topic_id, info, previous).catch((error) =>
        warn(`cannot sweep ${info.s3_key}`, error),
      )
    }
    return next
  }

  async function lost(topic_id: string, losses: number): Promise<AppError> {
    await turns.ask(topic_id, losses)
    return new AppError('conflict', `Topic "${topic_id}" was changed by somebody else.`)
  }

  async function write(
    next: Topic,
    retired: readonly PromptInfo[],
    item: TopicItem | undefined,
  ): Promise<boolean> {
    try {
      return await feed.publish(next.topic_id, updateOf(table, next, retired, item))
    } catch (error) {
      const reason = causeOf(error)
      if (reason === 'ValidationException') throw unstorable(error)
      // The answer got lost, not necessarily the write.
      if (await isStored(next)) return true
      throw error
    }
  }

  async function isStored(next: Topic): Promise<boolean> {
    const item = await readItem(next.topic_id).catch(() => undefined)
    if (revisionOf(item) !== next.revision || !item) return false
    const stored = await topicIn(item, objects)
    return 'topic' in stored && sameJson(stored.topic, next)
  }

  return {
    async get(topic_id) {
      const item = await readItem(topic_id)
      return item && topicIn(item, objects)
    },

    async *all() {
      const action = { action: 'dynamodb:Scan', resource: `table ${table}`, setting: 'PROMPTS_TABLE' }
      const pages = paginateScan({ client }, { TableName: table, ConsistentRead: true })
      for (;;) {
        const { value: page, done } = await callAws(action, () => pages.next())
        if (done) return
        const items = (page.Items ?? []) as TopicItem[]
        // Items that no topic can have, such as the feed, are not topics.
        const topics = items.filter(({ topic_id }) => isIdentifier(topic_id))
        yield* await Promise.all(
          topics.map((item) => topicIn(item, objects).catch((error) => unreadable(item, error))),
        )
      }
    },

    save,

    watch: (listener) => followFeed({ feed, freshnessMs, reconcileMs, warn, listener }),
  }
}

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

/** The write that makes the item say `next` if it still is what it was. */
function updateOf(
  table: string,
  next: Topic,
  retired: readonly PromptInfo[],
  item: TopicItem | undefined,
): Write {
  const { set, remove } = changesFor(next, retired)
  if (item?.[TURN] !== undefined) remove.push(TURN)
  const names = Object.keys(set)
  const sets = names.map((_, index) => `#s${index} = :s${index}`)
  const removes = remove.map((_, index) => `#r${index}`)
  const isBare = item !== undefined && item['revision'] === undefined
  const condition = !item
    ? 'attribute_not_exists(topic_id)'
    : isBare
      ? 'attribute_exists(topic_id) AND attribute_not_exists(#revision)'
      : '#revision = :before'
  return {
    Update: {
      TableName: table,
      Key: { topic_id: next.topic_id },
      UpdateExpression: `SET ${sets.join(', ')}${removes.length > 0 ? ` REMOVE ${removes.join(', ')}` : ''}`,
      ConditionExpression: condition,
      ExpressionAttributeNames: {
        ...Object.fromEntries(names.map((name, index) => [`#s${index}`, name])),
        ...Object.fromEntries(remove.map((name, index) => [`#r${index}`, name])),
        ...(item && { '#revision': 'revision' }),
      },
      ExpressionAttributeValues: {
        ...Object.fromEntries(names.map((name, index) => [`:s${index}`, set[name]])),
        ...(item && !isBare && { ':before': next.revision - 1 }),
      },
    },
  }
}

/** A record whose texts cannot be read is out; it harms no others. */
function unreadable({ topic_id }: TopicItem, error: unknown): StoredTopic {
  if (error instanceof AppError)
    return { topic_id, invalid: `its texts cannot be read: ${error.operatorMessage}` }
  throw error
}

/** DynamoDB has limits that JSON has not, such as the size of numbers. */
function unstorable(error: unknown): AppError {
  const message = `cannot be stored: ${((error as AppError).cause as Error).message}`
  return invalidInput([{ path: '', expected: 'values that DynamoDB can hold', message }])
}
