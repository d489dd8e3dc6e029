import { type DynamoDBDocumentClient, GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb'
import { LRUCache } from 'lru-cache'
import { AppError, invalidInput } from '../../domain/errors.ts'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { PromptInfo, PromptTexts, StoredTopic, Topic, TopicRepository } from '../../domain/topic.ts'
import { sameJson } from '../../util/json.ts'
import { causeOf } from '../aws/calls.ts'
import { callsOn } from '../aws/resources.ts'
import type { ObjectRef, ObjectStore } from '../s3/object-store.ts'
import { removeOrphans } from '../s3/sweep.ts'
import type { ChangeFeed } from './feed.ts'
import { followFeed } from './follow.ts'
import {
  changesFor,
  membersIn,
  promptsEver,
  revisionOf,
  type TopicItem,
  type TopicMembers,
  topicIn,
} from './record.ts'
import type { Write } from './transactions.ts'
import { PRIORITY_ATTRIBUTE, writePriority } from './write-priority.ts'

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
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_TABLE' })
  return async (topic_id) => {
    const command = new GetCommand({ TableName: table, Key: { topic_id }, ConsistentRead: true })
    const { Item } = await call('dynamodb:GetItem', (options) => client.send(command, options))
    return Item as TopicItem | undefined
  }
}

/** What a save has to know of the item that it changes. */
interface ItemState {
  /** 0: there is no item. */
  revision: number
  /** Whether another program made the item, without a revision. */
  isForeign: boolean
  /** The instance that has priority; see {@link PRIORITY_ATTRIBUTE}. */
  holder: unknown
  ever: ReadonlyMap<string, PromptInfo>
  /** The item as it is, and what it says of the topic. */
  item: TopicItem | undefined
  members: TopicMembers
}

/** An edit reads the topic, then saves it: the save uses that read if it is not older than this. */
const RECENT_MS = 10_000
const MAX_RECENT = 1_000

/**
 * Topics in a DynamoDB table, their texts in S3.
 *
 * A change happens when the record is written: one transaction writes it, if it is still what the edit was made from,
 * and lists it in the feed. Texts are written before, as objects that nothing points to yet; a writer that loses or
 * dies leaves such a text behind, which the next writer of the same prompt removes.
 */
export function dynamoTopics(options: DynamoTopicsOptions): TopicRepository {
  const { client, table, feed, objects, freshnessMs, reconcileMs, warn } = options
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_TABLE' })
  const readItem = itemReader(client, table)
  const priority = writePriority(client, table, readItem)
  /** What was read of topics last: an edit needs no second read. What it may miss, the write's condition notices. */
  const recent = new LRUCache<string, ItemState>({ max: MAX_RECENT, ttl: RECENT_MS, ttlAutopurge: true })

  async function get(topic_id: string): Promise<StoredTopic | undefined> {
    const item = await readItem(topic_id)
    const stored = item && (await topicIn(item, objects))
    recent.set(topic_id, stateOf(item, stored))
    return stored
  }

  /** The item that `topic` was made from. @throws AppError `conflict` when it has changed. */
  async function stateBefore({ topic_id, revision }: Topic, losses: number): Promise<ItemState> {
    const state = recent.get(topic_id)
    recent.delete(topic_id)
    if (state?.revision === revision && !priority.isOthers(state.holder)) return state
    const item = await priority.yieldTo(topic_id, revision)
    if (revisionOf(item) !== revision) throw await lost(topic_id, losses + 1)
    return stateOf(item, item && (await topicIn(item, objects)))
  }

  async function save(topic: Topic, changed: PromptTexts, losses = 0): Promise<Topic> {
    const { topic_id } = topic
    const before = await stateBefore(topic, losses)
    const written = await writeTexts(objects, topic, changed, before.ever)
    const infos = new Map(written.map(({ info }) => [info.prompt_type, info]))
    const prompts = topic.prompts.map((info) => infos.get(info.prompt_type) ?? info)
    const next: Topic = { ...topic, prompts, revision: topic.revision + 1 }
    const kept = new Set(prompts.map((info) => info.prompt_type))
    const retired = [...before.ever.values()].filter((info) => !kept.has(info.prompt_type))
    if (!(await write(next, retired, before))) {
      await removeAll(objects, [...infos.values()])
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
    await priority.claim(topic_id, losses)
    return new AppError('conflict', `Topic "${topic_id}" was changed by another writer.`)
  }

  async function write(next: Topic, retired: readonly PromptInfo[], before: ItemState): Promise<boolean> {
    try {
      return await feed.publish(next.topic_id, updateOf(table, next, retired, before))
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
    get,

    async *all() {
      const pages = paginateScan({ client }, { TableName: table, ConsistentRead: true })
      for (;;) {
        const { value: page, done } = await call('dynamodb:Scan', () => pages.next())
        if (done) return
        yield* await topicsIn((page.Items ?? []) as TopicItem[], objects)
      }
    },

    save,

    watch: (listener) => followFeed({ feed, freshnessMs, reconcileMs, warn, listener }),
  }
}

/** The topics of a page. Items that no topic can have, such as the feed, are left out. */
function topicsIn(items: readonly TopicItem[], objects: ObjectStore): Promise<StoredTopic[]> {
  const topics = items.filter(({ topic_id }) => isIdentifier(topic_id))
  return Promise.all(topics.map((item) => topicIn(item, objects).catch((error) => unreadable(item, error))))
}

/** Writes the new texts, all or none. */
async function writeTexts(
  objects: ObjectStore,
  topic: Topic,
  changed: PromptTexts,
  ever: ReadonlyMap<string, PromptInfo>,
): Promise<{ info: PromptInfo; previous: PromptInfo | undefined }[]> {
  const isChanged = ({ prompt_type }: PromptInfo) => changed[prompt_type] !== undefined
  const writing = topic.prompts.filter(isChanged).map(async (info) => {
    const previous = ever.get(info.prompt_type)
    const ref = await objects.write(topic.topic_id, info, changed[info.prompt_type] as string, previous)
    return { previous, info: { ...info, ...ref } }
  })
  const outcomes = await Promise.allSettled(writing)
  const written = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (!failed) return written
  await removeAll(
    objects,
    written.map(({ info }) => info),
  )
  throw failed.reason
}

/** Failing to clean up is no failure of the work: what is left is removed later. */
async function removeAll(objects: ObjectStore, refs: readonly ObjectRef[]): Promise<void> {
  await Promise.allSettled(refs.map((ref) => objects.remove(ref)))
}

function stateOf(item: TopicItem | undefined, stored: StoredTopic | undefined): ItemState {
  return {
    revision: revisionOf(item),
    isForeign: item !== undefined && item['revision'] === undefined,
    holder: item?.[PRIORITY_ATTRIBUTE],
    ever: promptsEver(item, stored),
    item,
    members: membersIn(item, stored),
  }
}

/** The write that makes the item hold `next` if it still is what it was. */
function updateOf(table: string, next: Topic, retired: readonly PromptInfo[], before: ItemState): Write {
  const { set, remove } = changesFor(next, retired, before.members, before.item)
  if (before.holder !== undefined) remove.push(PRIORITY_ATTRIBUTE)
  const names = Object.keys(set)
  const sets = names.map((_, index) => `#s${index} = :s${index}`)
  const removes = remove.map((_, index) => `#r${index}`)
  const isNew = before.revision === 0
  const condition = isNew
    ? 'attribute_not_exists(topic_id)'
    : before.isForeign
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
        ...(!isNew && { '#revision': 'revision' }),
      },
      ExpressionAttributeValues: {
        ...Object.fromEntries(names.map((name, index) => [`:s${index}`, set[name]])),
        ...(!isNew && !before.isForeign && { ':before': before.revision }),
      },
    },
  }
}

/** A record whose texts cannot be read is not served; it harms no others. */
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
