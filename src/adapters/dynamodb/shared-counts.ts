import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { type AppError, toAppError } from '../../domain/errors.ts'
import type { RateLimitWindow, SharedCounts } from '../../domain/rate-limiter.ts'
import { callsOn } from '../aws/resources.ts'
import { LIMIT_KEY, LIMITS_TTL_ATTRIBUTE } from './limits-table.ts'

/** Items outlive their minute by this, for instances whose clock is behind. */
const ITEM_LEEWAY_SECONDS = 60
/** Time after a failed call in which no other is worth an attempt. */
const PAUSE_MS = 2_000

export interface DynamoCountsOptions {
  client: DynamoDBDocumentClient
  /** See {@link limitsTable}. */
  table: string
  /** Called once for each outage of the table. */
  warn: (message: string, cause?: unknown) => void
}

/**
 * Counts in the limits table: an item for each limit, key and minute.
 *
 * Each reporter has an attribute of its own there (`SET`) rather than a part of one sum (`ADD`), so that repeating a
 * write counts nothing twice.
 */
export function dynamoCounts({ client, table, warn }: DynamoCountsOptions): SharedCounts {
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_LIMITS_TABLE' })
  const outage = watchOutage((reason, cause) =>
    warn(
      `the limits table cannot be used: every instance counts for itself, failed authentication is refused; ${reason}`,
      cause,
    ),
  )
  const send = (update: UpdateCommand) =>
    call('dynamodb:UpdateItem', (options) => client.send(update, options))

  async function report(window: RateLimitWindow, reporter: string, calls: number): Promise<number> {
    const update = new UpdateCommand({
      TableName: table,
      Key: keyOf(window),
      UpdateExpression: 'SET #reporter = :calls, #expires = :expires',
      ExpressionAttributeNames: { '#reporter': reporter, '#expires': LIMITS_TTL_ATTRIBUTE },
      ExpressionAttributeValues: { ':calls': calls, ':expires': expiryOf(window) },
      ReturnValues: 'ALL_NEW',
    })
    const { Attributes = {} } = await send(update)
    return sumOf(Attributes)
  }

  async function spend(window: RateLimitWindow, cost: number, most: number) {
    const update = new UpdateCommand({
      TableName: table,
      Key: keyOf(window),
      UpdateExpression: 'ADD calls :cost SET #expires = :expires',
      ConditionExpression: 'attribute_not_exists(calls) OR calls <= :room',
      ExpressionAttributeNames: { '#expires': LIMITS_TTL_ATTRIBUTE },
      ExpressionAttributeValues: { ':cost': cost, ':room': most - cost, ':expires': expiryOf(window) },
      ReturnValues: 'UPDATED_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
    try {
      const { Attributes } = await send(update)
      return { allowed: true, total: Attributes?.['calls'] as number }
    } catch (error) {
      const { cause } = error as AppError
      if (!(cause instanceof ConditionalCheckFailedException)) throw error
      return { allowed: false, total: Number(cause.Item?.['calls']?.N) }
    }
  }

  return {
    report: (...given) => outage.observe(() => report(...given)),
    spend: (...given) => outage.observe(() => spend(...given)),
    isOutOfReach: outage.isRecent,
  }
}

function keyOf({ limit, key, minute }: RateLimitWindow) {
  return { [LIMIT_KEY]: `${limit} ${key} ${minute}` }
}

/** When the item may be deleted, in epoch seconds. */
function expiryOf({ minute }: RateLimitWindow): number {
  return (minute + 1) * 60 + ITEM_LEEWAY_SECONDS
}

function sumOf(item: Record<string, unknown>): number {
  const isCount = (name: string) => name !== LIMIT_KEY && name !== LIMITS_TTL_ATTRIBUTE
  return Object.entries(item).reduce((sum, [name, value]) => sum + (isCount(name) ? (value as number) : 0), 0)
}

/**
 * Learns from the outcome of calls whether the table is out of reach. A call that fails while others succeed is no
 * outage: one item may be throttled, one answer late.
 *
 * @param warn called once for each outage, with what an operator can do.
 */
function watchOutage(warn: (reason: string, cause: unknown) => void) {
  let isOut = false
  let pausedUntil = 0
  let succeededAt = Number.NEGATIVE_INFINITY
  const isRecent = () => performance.now() < pausedUntil

  async function observe<T>(call: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      const answer = await call()
      succeededAt = performance.now()
      // Answers to calls from before the failure do not end the outage yet.
      if (!isRecent()) isOut = false
      return answer
    } catch (error) {
      if (succeededAt <= startedAt) {
        pausedUntil = performance.now() + PAUSE_MS
        if (!isOut) warn(toAppError(error).operatorMessage, error)
        isOut = true
      }
      throw error
    }
  }

  return { isRecent, observe }
}
