import { setTimeout } from 'node:timers/promises'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  type QueryCommandInput,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { backoffMs } from '../../../util/time.ts'
import { AWS_BACKOFF, causeOf, WRITE_BUDGET_MS } from '../../aws/calls.ts'
import { callsOn } from '../../aws/resources.ts'
import { isPassing, refusalsIn, type Write } from '../transactions.ts'
import type { Change } from './changes.ts'
import type { HeadItem, PartItem } from './items.ts'

/** The key of an item. */
export interface Key {
  conversation: string
  part: string
}

/** The outcome of a conditional write. `found` is the item for which a transaction's condition did not hold. */
export type Outcome = { isWritten: true } | { isWritten: false; found?: Record<string, AttributeValue> }

/**
 * The requests to the table of conversations. All throw AppError `unavailable` when the table is out of reach; a write
 * may have happened then.
 */
export function requestsTo(client: DynamoDBDocumentClient, table: string) {
  const TableName = table
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_CONVERSATIONS_TABLE' })

  /**
   * Makes the write of a first item, on its condition, and those of `parts` with it, or none. The SDK gives each
   * transaction a token, by which one that is sent again because its answer got lost is no second one.
   */
  function writeTogether(action: string, head: Write, parts: readonly PartItem[]): Promise<Outcome> {
    const puts = parts.map((Item) => ({ Put: { TableName, Item } }))
    return untilAlone(() => {
      const command = new TransactWriteCommand({ TransactItems: [head, ...puts] })
      return call(action, (options) => client.send(command, options), WRITE_BUDGET_MS)
    })
  }

  return {
    /** Puts a conversation, if there is none under its key. */
    putNew(Item: HeadItem, parts: readonly PartItem[]): Promise<Outcome> {
      const ConditionExpression = 'attribute_not_exists(conversation)'
      return writeTogether('dynamodb:PutItem', { Put: { TableName, Item, ConditionExpression } }, parts)
    },

    updateWith(Key: Key, change: Change, parts: readonly PartItem[]): Promise<Outcome> {
      return writeTogether('dynamodb:UpdateItem', { Update: { TableName, Key, ...change } }, parts)
    },

    update(Key: Key, change: Change): Promise<Outcome> {
      return untilAlone(() => {
        const command = new UpdateCommand({ TableName, Key, ...change })
        return call('dynamodb:UpdateItem', (options) => client.send(command, options), WRITE_BUDGET_MS)
      })
    },

    async remove(Key: Key): Promise<void> {
      const command = new DeleteCommand({ TableName, Key })
      await call('dynamodb:DeleteItem', (options) => client.send(command, options), WRITE_BUDGET_MS)
    },

    /** Strongly consistent. */
    async get(Key: Key): Promise<PartItem | undefined> {
      const command = new GetCommand({ TableName, Key, ConsistentRead: true })
      const { Item } = await call('dynamodb:GetItem', (options) => client.send(command, options))
      return Item as PartItem | undefined
    },

    /** Items, page by page as DynamoDB makes them. */
    async *query<Item>(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Item[]> {
      const pages = paginateQuery({ client }, { TableName, ...input })
      for (;;) {
        const { value: page, done } = await call('dynamodb:Query', () => pages.next())
        if (done) return
        yield (page.Items ?? []) as Item[]
      }
    },
  }
}

/** Repeats an attempt to write while another write of the same item is in its way. */
async function untilAlone(attempt: () => Promise<unknown>): Promise<Outcome> {
  const giveUpAt = performance.now() + WRITE_BUDGET_MS
  for (let failures = 1; ; failures++) {
    try {
      await attempt()
      return { isWritten: true }
    } catch (error) {
      const refusal = refusalIn(error)
      if (refusal) return refusal
      if (!mayPass(error) || performance.now() > giveUpAt) throw error
      await setTimeout(backoffMs(AWS_BACKOFF, Math.min(failures, 3)))
    }
  }
}

/** What a failure says of the condition of the first write; `undefined` when it is of another kind. */
function refusalIn(error: unknown): Outcome | undefined {
  if (causeOf(error) === 'ConditionalCheckFailedException') return { isWritten: false }
  const [ofHead] = refusalsIn(error)
  if (ofHead?.Code !== 'ConditionalCheckFailed') return undefined
  return { isWritten: false, ...(ofHead.Item && { found: ofHead.Item }) }
}

function mayPass(error: unknown): boolean {
  const codes = refusalsIn(error).map(({ Code = 'None' }) => Code)
  const allPass = codes.length > 0 && codes.every((code) => code === 'None' || isPassing(code))
  return allPass || causeOf(error) === 'TransactionConflictException'
}
