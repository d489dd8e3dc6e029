import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb'
import { AppError } from '../../domain/errors.ts'
import { createKeyedMutex } from '../../util/keyed-mutex.ts'
import { backoffMs } from '../../util/time.ts'
import { AWS_BACKOFF, WRITE_BUDGET_MS } from '../aws/calls.ts'
import { callsOn } from '../aws/resources.ts'
import { isPassing, refusalsIn, type Write } from './transactions.ts'

/** Id of the item that lists the latest changes for every instance. No topic can have such an id. */
export const FEED_ID = '#feed'

/** Changes that the feed lists. With the longest ids it stays below 4 KB: one read unit. */
const MAX_CHANGES = 48

/** The latest changes of a table. */
export interface Feed {
  /** Changes when the feed was created again: what happened in between is then unknown. */
  epoch: string
  /** Number of changes so far. */
  sequence: number
  /** Topic ids of the last changes, the newest last. */
  changes: string[]
}

/** The change feed of a topics table. */
export interface ChangeFeed {
  /**
   * Reads the feed, strongly consistent. `undefined` before the first publication.
   *
   * @throws AppError `unavailable` when there is no answer within `budgetMs`.
   */
  read(budgetMs?: number): Promise<Feed | undefined>

  /**
   * Makes `write` and lists it in the feed, both or neither.
   *
   * @returns false when the condition of `write` does not hold; nothing is written then.
   * @throws AppError `unavailable`; whether it was written is then unknown.
   */
  publish(topic_id: string, write: Write): Promise<boolean>
}

export function changeFeed(client: DynamoDBDocumentClient, table: string): ChangeFeed {
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_TABLE' })
  /** The feed as last seen: usually still the current one. */
  let latest: Feed | undefined
  /** Publications of this process go one after the other: rivals for the feed's item would only refuse each other. */
  const mutex = createKeyedMutex()

  async function read(budgetMs?: number): Promise<Feed | undefined> {
    const command = new GetCommand({ TableName: table, Key: { topic_id: FEED_ID }, ConsistentRead: true })
    const { Item } = await call('dynamodb:GetItem', (options) => client.send(command, options), budgetMs)
    latest = Item && {
      epoch: String(Item['epoch']),
      sequence: Number(Item['sequence']),
      changes: Item['changes'],
    }
    return latest
  }

  /** One attempt. @returns `undefined` when another one may succeed. */
  async function tryPublish(topic_id: string, write: Write): Promise<boolean | undefined> {
    const next = advanced(latest, topic_id)
    const command = new TransactWriteCommand({ TransactItems: [write, feedWrite(table, latest, next)] })
    try {
      await call('dynamodb:PutItem', (options) => client.send(command, options), WRITE_BUDGET_MS)
      latest = next
      return true
    } catch (error) {
      const refusals = refusalsIn(error)
      if (refusals.length === 0) throw error
      const [ofWrite = 'None', ofFeed = 'None'] = refusals.map(({ Code = 'None' }) => Code)
      if (ofWrite === 'ConditionalCheckFailed') return false
      if (ofWrite !== 'None' && !isPassing(ofWrite)) throw error
      // Another instance was faster, or both at once.
      if (ofFeed === 'ConditionalCheckFailed') await read()
      else if (!isPassing(ofFeed) && !isPassing(ofWrite)) throw error
      return undefined
    }
  }

  async function publish(topic_id: string, write: Write): Promise<boolean> {
    const giveUpAt = performance.now() + WRITE_BUDGET_MS
    for (let attempt = 1; performance.now() < giveUpAt; attempt++) {
      const isWritten = await tryPublish(topic_id, write)
      if (isWritten !== undefined) return isWritten
      await setTimeout(backoffMs(AWS_BACKOFF, Math.min(attempt, 3)))
    }
    throw new AppError('unavailable', 'Too many others are writing; try again.', { retryAfter: 1 })
  }

  return {
    read,
    publish: (topic_id, write) => mutex.runExclusive(FEED_ID, () => publish(topic_id, write)),
  }
}

function advanced(feed: Feed | undefined, topic_id: string): Feed {
  const { epoch, sequence, changes } = feed ?? { epoch: randomUUID(), sequence: 0, changes: [] }
  return { epoch, sequence: sequence + 1, changes: [...changes, topic_id].slice(-MAX_CHANGES) }
}

function feedWrite(table: string, before: Feed | undefined, next: Feed): Write {
  const Item = { topic_id: FEED_ID, ...next }
  if (!before)
    return { Put: { TableName: table, Item, ConditionExpression: 'attribute_not_exists(topic_id)' } }
  return {
    Put: {
      TableName: table,
      Item,
      ConditionExpression: 'epoch = :epoch AND #sequence = :sequence',
      ExpressionAttributeNames: { '#sequence': 'sequence' },
      ExpressionAttributeValues: { ':epoch': before.epoch, ':sequence': before.sequence },
    },
  }
}

/**
 * Topic ids that changed between two reads of the feed.
 *
 * @returns `undefined` when that is unknown: the feed is another one, went back, or no longer lists all of them.
 */
export function changedSince(before: Feed | undefined, now: Feed | undefined): string[] | undefined {
  if (!before && !now) return []
  if (!now || (before && before.epoch !== now.epoch)) return undefined
  const count = now.sequence - (before?.sequence ?? 0)
  if (count < 0 || count > now.changes.length) return undefined
  return count === 0 ? [] : [...new Set(now.changes.slice(-count))]
}
