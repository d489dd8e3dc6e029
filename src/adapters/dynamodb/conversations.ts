import { setTimeout } from 'node:timers/promises'
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import pMap from 'p-map'
import type { Owner } from '../../domain/caller.ts'
import {
  type ConversationStore,
  type ConversationSummary,
  isExpired,
  lastExpired,
  ownerKey,
} from '../../domain/conversation.ts'
import { AppError } from '../../domain/errors.ts'
import type { Clock } from '../../domain/time.ts'
import { WRITE_BUDGET_MS } from '../aws/calls.ts'
import {
  assistantPart,
  conversationIn,
  HEAD,
  type HeadItem,
  headOf,
  isMessage,
  keptUntil,
  neededUntil,
  type PartItem,
  partsOf,
  pieceOf,
  START,
  userPart,
} from './conversations/items.ts'
import { requestsTo } from './conversations/requests.ts'
import { CONVERSATIONS_TTL_ATTRIBUTE, OWNER_INDEX } from './conversations-table.ts'

/** Items of one conversation that are changed at the same time. */
const CONCURRENCY = 16
/** Items that a list reads at least: some may have expired. */
const MIN_PAGE = 100
/** Attempts to read a conversation whole, and the pause between them: a transaction takes milliseconds. */
const READS = 6
const READ_PAUSE_MS = 30
/** Time of the last message of a conversation that is being erased: it expired long ago. */
const LONG_AGO = new Date(0).toISOString()

const NAMES = { '#lease': 'lease', '#token': 'token' }
const TTL = { '#ttl': CONVERSATIONS_TTL_ATTRIBUTE }

/**
 * Conversations in a DynamoDB table; {@link conversationsTable} says how.
 *
 * What a conversation is kept under is a hash of its owner and its id. The first item has the state: the number of turns,
 * the lease, the time of the last message. Every change is one write of it on a condition, in one transaction with the
 * message that it is about. Others are in items of their own, so that a change costs the same however long a conversation
 * is.
 */
export function dynamoConversations(
  client: DynamoDBDocumentClient,
  table: string,
  clock: Clock,
): ConversationStore {
  const { call, writeTogether, update, query } = requestsTo(client, table)
  const now = () => clock().toISOString()
  const headKey = (owner: Owner, id: string) => ({ conversation: ownerKey(owner, id), part: HEAD })

  async function itemsOf(conversation: string, ProjectionExpression?: string) {
    const items: Record<string, unknown>[] = []
    const pages = query({
      KeyConditionExpression: 'conversation = :conversation',
      ExpressionAttributeValues: { ':conversation': conversation },
      ConsistentRead: true,
      ProjectionExpression,
    })
    for await (const page of pages) items.push(...page)
    return items
  }

  async function partNames(conversation: string): Promise<string[]> {
    return (await itemsOf(conversation, 'part')).map(({ part }) => part as string)
  }

  /** Keeps the items of earlier messages as long as the next one needs them: DynamoDB would delete them before. */
  async function keepLonger(key: { conversation: string; part: string }, until: number): Promise<void> {
    const exists = 'attribute_exists(conversation)'
    const values = { ':until': until }
    const parts = (await partNames(key.conversation)).filter((part) => part !== HEAD)
    await pMap(
      parts,
      (part) =>
        update({
          Key: { ...key, part },
          UpdateExpression: 'SET #ttl = :until',
          ConditionExpression: exists,
          ExpressionAttributeNames: TTL,
          ExpressionAttributeValues: values,
        }),
      { concurrency: CONCURRENCY },
    )
    const UpdateExpression = 'SET kept_until = :until'
    await update({
      Key: key,
      UpdateExpression,
      ConditionExpression: exists,
      ExpressionAttributeValues: values,
    })
  }

  async function remove(conversation: string, part: string): Promise<void> {
    const command = new DeleteCommand({ TableName: table, Key: { conversation, part } })
    await call('dynamodb:DeleteItem', (options) => client.send(command, options), WRITE_BUDGET_MS)
  }

  return {
    async create(start) {
      const Item = headOf(ownerKey(start.owner, start.conversation_id), start)
      const { conversation, conversation_id, kept_until } = Item
      const put = { TableName: table, Item, ConditionExpression: 'attribute_not_exists(conversation)' }
      await writeTogether({ Put: put }, partsOf(conversation, START, conversation_id, start, kept_until))
    },

    async read(owner, id) {
      for (let reads = 1; reads <= READS; reads++) {
        const [head, ...parts] = await itemsOf(ownerKey(owner, id))
        if (head?.['part'] !== HEAD || isExpired(head as unknown as HeadItem, clock)) return undefined
        const found = conversationIn(head as unknown as HeadItem, parts as unknown as PartItem[])
        if (found) {
          const { lease, ...conversation } = found
          return lease && lease.expires_at > now() ? { ...conversation, lease } : conversation
        }
        await setTimeout(READ_PAUSE_MS)
      }
      throw new AppError('unavailable', 'The conversation cannot be read.', {
        operatorMessage: `Items of conversation ${id} are missing in table ${table}. Restore them, or erase it.`,
      })
    },

    async beginTurn(owner, id, { turn, user }, lease) {
      const key = headKey(owner, id)
      const until = keptUntil(user.created_at)
      const head = {
        TableName: table,
        Key: key,
        UpdateExpression: 'SET turns = :turn, updated_at = :updated, #ttl = :until, #lease = :lease',
        ConditionExpression:
          'answered = :previous AND updated_at > :expired AND kept_until >= :needed AND (attribute_not_exists(#lease) OR #lease.expires_at <= :now)',
        ExpressionAttributeNames: { '#lease': 'lease', ...TTL },
        ExpressionAttributeValues: {
          ':turn': turn,
          ':previous': turn - 1,
          ':updated': user.created_at,
          ':until': until,
          ':needed': neededUntil(user.created_at),
          ':expired': lastExpired(clock),
          ':lease': lease,
          ':now': now(),
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      }
      const parts = partsOf(key.conversation, userPart(turn), user.id, user, until)
      const begin = async (): Promise<{ isBegun: boolean; isKept: boolean }> => {
        const outcome = await writeTogether({ Update: head }, parts)
        const found = outcome.isWritten ? undefined : outcome.found
        // An earlier attempt of this call may have arrived, and only its answer got lost.
        const isOurs = found?.['lease']?.M?.['token']?.S === lease.token
        return {
          isBegun: outcome.isWritten || isOurs,
          isKept: !found || Number(found['kept_until']?.N) >= neededUntil(user.created_at),
        }
      }
      const first = await begin()
      if (first.isBegun || first.isKept) return first.isBegun
      await keepLonger(key, until)
      return (await begin()).isBegun
    },

    async renewLease(owner, id, lease) {
      const { isWritten } = await update({
        Key: headKey(owner, id),
        UpdateExpression: 'SET #lease = :lease',
        ConditionExpression: '#lease.#token = :token AND updated_at > :expired',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: {
          ':token': lease.token,
          ':lease': lease,
          ':expired': lastExpired(clock),
        },
      })
      return isWritten
    },

    async finishTurn(owner, id, { token, turn }, assistant) {
      const key = headKey(owner, id)
      const until = keptUntil(assistant.created_at)
      const head = {
        TableName: table,
        Key: key,
        UpdateExpression: 'SET answered = :turn, updated_at = :updated, #ttl = :until REMOVE #lease',
        ConditionExpression: '#lease.#token = :token AND updated_at > :expired',
        ExpressionAttributeNames: { ...NAMES, ...TTL },
        ExpressionAttributeValues: {
          ':turn': turn,
          ':updated': assistant.created_at,
          ':until': until,
          ':token': token,
          ':expired': lastExpired(clock),
        },
      }
      const parts = partsOf(key.conversation, assistantPart(turn), assistant.id, assistant, until)
      const { isWritten } = await writeTogether({ Update: head }, parts)
      if (isWritten) return true
      // The same call may have arrived before.
      const Key = { ...key, part: pieceOf(assistantPart(turn)) }
      const get = new GetCommand({ TableName: table, Key, ConsistentRead: true })
      const { Item } = await call('dynamodb:GetItem', (options) => client.send(get, options))
      return Item?.['id'] === assistant.id
    },

    async releaseLease(owner, id, token) {
      await update({
        Key: headKey(owner, id),
        UpdateExpression: 'REMOVE #lease',
        ConditionExpression: token === undefined ? 'attribute_exists(#lease)' : '#lease.#token = :token',
        ExpressionAttributeNames: token === undefined ? { '#lease': 'lease' } : NAMES,
        ...(token !== undefined && { ExpressionAttributeValues: { ':token': token } }),
      })
    },

    async list(owner, { before, limit, withExpired = false }) {
      const found: ConversationSummary[] = []
      const pages = query({
        IndexName: OWNER_INDEX.IndexName,
        KeyConditionExpression:
          before === undefined ? '#owner = :owner' : '#owner = :owner AND conversation_id < :before',
        ...(!withExpired && { FilterExpression: 'updated_at > :expired' }),
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':owner': ownerKey(owner),
          ...(before !== undefined && { ':before': before }),
          ...(!withExpired && { ':expired': lastExpired(clock) }),
        },
        ScanIndexForward: false,
        Limit: Math.max(limit, MIN_PAGE),
      })
      for await (const page of pages) {
        found.push(...page.map((item) => summaryOf(item as unknown as HeadItem)))
        if (found.length >= limit) break
      }
      return found.slice(0, limit)
    },

    async erase(owner, id) {
      const key = headKey(owner, id)
      // Expired first, so that nothing can be added to it any more; the first item last, so that a list shows what an
      // attempt that is killed has left.
      await update({
        Key: key,
        UpdateExpression: 'SET updated_at = :ago',
        ConditionExpression: 'attribute_exists(conversation)',
        ExpressionAttributeValues: { ':ago': LONG_AGO },
      })
      const names = await partNames(key.conversation)
      if (names.length === 0) return undefined
      const others = names.filter((part) => part !== HEAD)
      await pMap(others, (part) => remove(key.conversation, part), { concurrency: CONCURRENCY })
      await remove(key.conversation, HEAD)
      return { conversations: 1, messages: names.filter(isMessage).length }
    },
  }
}

function summaryOf(item: HeadItem): ConversationSummary {
  const { conversation_id, topic_id, topic_revision, created_at, turns, updated_at } = item
  return { conversation_id, topic_id, topic_revision, created_at, turns, updated_at }
}
