import { setTimeout } from 'node:timers/promises'
import type { DynamoDBDocumentClient, QueryCommandInput } from '@aws-sdk/lib-dynamodb'
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
import type { Clock } from '../../util/time.ts'
import { begin, expire, finish, keepAll, keepPart, release, renew } from './conversations/changes.ts'
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
import { type Key, requestsTo } from './conversations/requests.ts'
import { OWNER_INDEX } from './conversations-table.ts'

/** Items of one conversation that are changed at the same time. */
const CONCURRENCY = 16
/** Items that a list reads at least: some may have expired. */
const MIN_PAGE = 100
/** Attempts to read a conversation whole, and the pause between them: a transaction takes milliseconds. */
const READS = 6
const READ_PAUSE_MS = 30

/**
 * Conversations in a DynamoDB table; see {@link conversationsTable}.
 *
 * The first item of a conversation has its state: the number of turns, the lease, the time of the last message. Each
 * change is one write of it on a condition, and one transaction with the message that it is about. Messages have items
 * of their own, so that a turn costs the same however many came before.
 */
export function dynamoConversations(
  client: DynamoDBDocumentClient,
  table: string,
  clock: Clock,
): ConversationStore {
  const requests = requestsTo(client, table)
  const headKey = (owner: Owner, id: string) => ({ conversation: ownerKey(owner, id), part: HEAD })
  const now = () => ({ now: clock().toISOString(), expired: lastExpired(clock) })

  /** All items of a conversation, strongly consistent, the first one first. */
  async function itemsOf<Item>(conversation: string, ProjectionExpression?: string): Promise<Item[]> {
    const items: Item[] = []
    const pages = requests.query<Item>({
      KeyConditionExpression: 'conversation = :conversation',
      ExpressionAttributeValues: { ':conversation': conversation },
      ConsistentRead: true,
      ProjectionExpression,
    })
    for await (const page of pages) items.push(...page)
    return items
  }

  /** Conversations of an owner by the index, those started last first. */
  async function byOwner(limit: number, query: Partial<QueryCommandInput>): Promise<ConversationSummary[]> {
    const found: ConversationSummary[] = []
    const pages = requests.query<ConversationSummary>({
      IndexName: OWNER_INDEX.IndexName,
      ExpressionAttributeNames: { '#owner': 'owner' },
      ScanIndexForward: false,
      Limit: Math.max(limit, MIN_PAGE),
      ...query,
    })
    for await (const page of pages) {
      found.push(...page)
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  async function partNames({ conversation }: Key): Promise<string[]> {
    return (await itemsOf<Pick<Key, 'part'>>(conversation, 'part')).map(({ part }) => part)
  }

  /** Does something with all items but the first. */
  async function forOthers(key: Key, names: readonly string[], work: (key: Key) => Promise<unknown>) {
    const others = names.filter((part) => part !== HEAD)
    await pMap(others, (part) => work({ ...key, part }), { concurrency: CONCURRENCY })
  }

  /** Lets the items of earlier messages live on with the conversation: DynamoDB would delete them by their own time. */
  async function keepLonger(key: Key, until: number): Promise<void> {
    const names = await partNames(key)
    await forOthers(key, names, (part) => requests.update(part, keepPart(until)))
    await requests.update(key, keepAll(until))
  }

  return {
    async create(start) {
      const head = headOf(ownerKey(start.owner, start.conversation_id), start)
      const { conversation, conversation_id, kept_until } = head
      await requests.putNew(head, partsOf(conversation, START, conversation_id, start, kept_until))
    },

    async read(owner, id) {
      for (let reads = 1; reads <= READS; reads++) {
        const [first, ...parts] = await itemsOf<HeadItem | PartItem>(ownerKey(owner, id))
        if (!isHead(first) || isExpired(first, clock)) return undefined
        const found = conversationIn(first, parts as PartItem[])
        if (found) {
          const { lease, ...conversation } = found
          return lease && lease.expires_at > now().now ? { ...conversation, lease } : conversation
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
      const parts = partsOf(key.conversation, userPart(turn), user.id, user, until)
      for (let isRepeated = false; ; isRepeated = true) {
        const change = begin(turn, user.created_at, lease, now())
        const outcome = await requests.updateWith(key, change, parts)
        if (outcome.isWritten) return true
        const { kept_until } = outcome.found ?? {}
        const isKept = !kept_until || Number(kept_until.N) >= neededUntil(user.created_at)
        if (isKept || isRepeated) return false
        await keepLonger(key, until)
      }
    },

    async renewLease(owner, id, lease) {
      return (await requests.update(headKey(owner, id), renew(lease, now()))).isWritten
    },

    async finishTurn(owner, id, lease, assistant) {
      const key = headKey(owner, id)
      const part = assistantPart(lease.turn)
      const until = keptUntil(assistant.created_at)
      const parts = partsOf(key.conversation, part, assistant.id, assistant, until)
      const { isWritten } = await requests.updateWith(key, finish(lease, assistant.created_at, now()), parts)
      // The same call may have arrived before.
      return isWritten || (await requests.get({ ...key, part: pieceOf(part) }))?.id === assistant.id
    },

    async releaseLease(owner, id, token) {
      await requests.update(headKey(owner, id), release(token))
    },

    async list(owner, { before, limit }) {
      const isContinued = before !== undefined
      const found = await byOwner(limit, {
        KeyConditionExpression: `#owner = :owner${isContinued ? ' AND conversation_id < :before' : ''}`,
        FilterExpression: 'updated_at > :expired',
        ExpressionAttributeValues: {
          ':owner': ownerKey(owner),
          ':expired': lastExpired(clock),
          ...(isContinued && { ':before': before }),
        },
      })
      return found.map(summaryOf)
    },

    async storedIds(owner, limit) {
      const found = await byOwner(limit, {
        KeyConditionExpression: '#owner = :owner',
        ExpressionAttributeValues: { ':owner': ownerKey(owner) },
      })
      return found.map(({ conversation_id }) => conversation_id)
    },

    async erase(owner, id) {
      const key = headKey(owner, id)
      await requests.update(key, expire())
      const names = await partNames(key)
      if (names.length === 0) return undefined
      await forOthers(key, names, requests.remove)
      // Last, so that a list shows what an attempt that is killed has left.
      await requests.remove(key)
      return { conversations: 1, messages: names.filter(isMessage).length }
    },
  }
}

function isHead(item: HeadItem | PartItem | undefined): item is HeadItem {
  return item?.part === HEAD
}

/** Without the keys of the index. */
function summaryOf(item: ConversationSummary): ConversationSummary {
  const { conversation_id, topic_id, topic_revision, created_at, turns, updated_at } = item
  return { conversation_id, topic_id, topic_revision, created_at, turns, updated_at }
}
