import { setTimeout } from 'node:timers/promises'
import type { AttributeValue, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import {
  type DynamoDBDocumentClient,
  paginateQuery,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb'
import type { AppError } from '../../../domain/errors.ts'
import { backoffMs } from '../../../domain/time.ts'
import { AWS_BACKOFF, causeOf, WRITE_BUDGET_MS } from '../../aws/calls.ts'
import { callsOn } from '../../aws/resources.ts'
import type { PartItem } from './items.ts'

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

/** The outcome of a conditional write; `found` is the item for which the condition did not hold, if there is one. */
export type Outcome = { isWritten: true } | { isWritten: false; found?: Record<string, AttributeValue> }

/** The requests to the table of conversations. All throw AppError `unavailable`. */
export type Requests = ReturnType<typeof requestsTo>

export function requestsTo(client: DynamoDBDocumentClient, table: string) {
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_CONVERSATIONS_TABLE' })

  /** Repeats an attempt while another write of the same item is in its way. */
  async function untilAlone(attempt: () => Promise<unknown>): Promise<Outcome> {
    const giveUpAt = performance.now() + WRITE_BUDGET_MS
    for (let failures = 1; ; failures++) {
      try {
        await attempt()
        return { isWritten: true }
      } catch (error) {
        const refusal = refusalIn(error)
        if (refusal) return refusal
        if (!isPassing(error) || performance.now() > giveUpAt) throw error
        await setTimeout(backoffMs(AWS_BACKOFF, Math.min(failures, 3)))
      }
    }
  }

  return {
    call,

    /** Makes a write of the first item on its condition, and all parts with it or none. */
    writeTogether(head: Write, parts: readonly PartItem[]): Promise<Outcome> {
      const puts = parts.map((Item) => ({ Put: { TableName: table, Item } }))
      const action = head.Put ? 'dynamodb:PutItem' : 'dynamodb:UpdateItem'
      return untilAlone(() => {
        const command = new TransactWriteCommand({ TransactItems: [head, ...puts] })
        return call(action, (options) => client.send(command, options), WRITE_BUDGET_MS)
      })
    },

    update(input: Omit<UpdateCommandInput, 'TableName'>): Promise<Outcome> {
      return untilAlone(() => {
        const command = new UpdateCommand({ TableName: table, ...input })
        return call('dynamodb:UpdateItem', (options) => client.send(command, options), WRITE_BUDGET_MS)
      })
    },

    /** Pages of items, as large as DynamoDB makes them. */
    async *query(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Record<string, unknown>[]> {
      const pages = paginateQuery({ client }, { TableName: table, ...input })
      for (;;) {
        const { value: page, done } = await call('dynamodb:Query', () => pages.next())
        if (done) return
        yield page.Items ?? []
      }
    },
  }
}

/** What a failure says of the condition of the first write; `undefined` when it is of another kind. */
function refusalIn(error: unknown): Outcome | undefined {
  if (causeOf(error) === 'ConditionalCheckFailedException') return { isWritten: false }
  const [ofHead] = reasonsIn(error)
  if (ofHead?.Code !== 'ConditionalCheckFailed') return undefined
  return { isWritten: false, ...(ofHead.Item && { found: ofHead.Item }) }
}

function isPassing(error: unknown): boolean {
  const codes = reasonsIn(error).map(({ Code = 'None' }) => Code)
  return (
    /^Transaction(Conflict|InProgress)Exception$/.test(causeOf(error) ?? '') ||
    (codes.length > 0 &&
      codes.every((code) =>
        /^(None|TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded)$/.test(code),
      ))
  )
}

function reasonsIn(error: unknown) {
  if (causeOf(error) !== 'TransactionCanceledException') return []
  return ((error as AppError).cause as TransactionCanceledException).CancellationReasons ?? []
}
