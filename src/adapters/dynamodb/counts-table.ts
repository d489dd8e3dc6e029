import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { AppError } from '../../domain/errors.ts'
import { callAws } from '../aws/calls.ts'
import { LIMIT_KEY, LIMITS_TTL_ATTRIBUTE } from './limits-table.ts'

/** Counts in the limits table: an item for each caller, limit and minute. */
export interface CountsTable {
  /**
   * Says how many calls `teller` has let through so far. Saying it again changes nothing, so that an attempt whose
   * answer got lost is not counted twice, as it would be if the item held one sum (`ADD`).
   *
   * @param expiresAt when the item may go, in epoch seconds.
   * @returns how many all tellers have let through.
   * @throws AppError `unavailable`
   */
  tell(item: string, teller: string, calls: number, expiresAt: number): Promise<number>

  /**
   * Counts `cost` calls unless there would be more than `most`. Exact for all instances together; an attempt whose
   * answer got lost may count twice.
   *
   * @returns how many are counted now.
   * @throws AppError `unavailable`
   */
  spend(
    item: string,
    cost: number,
    most: number,
    expiresAt: number,
  ): Promise<{ allowed: boolean; total: number }>
}

export function countsTable(client: DynamoDBDocumentClient, table: string): CountsTable {
  const place = {
    action: 'dynamodb:UpdateItem',
    resource: `table ${table}`,
    setting: 'PROMPTS_LIMITS_TABLE',
  }

  return {
    async tell(item, teller, calls, expiresAt) {
      const update = new UpdateCommand({
        TableName: table,
        Key: { [LIMIT_KEY]: item },
        UpdateExpression: 'SET #teller = :calls, #expires = :expires',
        ExpressionAttributeNames: { '#teller': teller, '#expires': LIMITS_TTL_ATTRIBUTE },
        ExpressionAttributeValues: { ':calls': calls, ':expires': expiresAt },
        ReturnValues: 'ALL_NEW',
      })
      const { Attributes = {} } = await callAws(place, (options) => client.send(update, options))
      return sumOf(Attributes)
    },

    async spend(item, cost, most, expiresAt) {
      const update = new UpdateCommand({
        TableName: table,
        Key: { [LIMIT_KEY]: item },
        UpdateExpression: 'ADD calls :cost SET #expires = :expires',
        ConditionExpression: 'attribute_not_exists(calls) OR calls <= :room',
        ExpressionAttributeNames: { '#expires': LIMITS_TTL_ATTRIBUTE },
        ExpressionAttributeValues: { ':cost': cost, ':room': most - cost, ':expires': expiresAt },
        ReturnValues: 'UPDATED_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      try {
        const { Attributes } = await callAws(place, (options) => client.send(update, options))
        return { allowed: true, total: Attributes?.['calls'] as number }
      } catch (error) {
        const { cause } = error as AppError
        if (!(cause instanceof ConditionalCheckFailedException)) throw error
        return { allowed: false, total: Number(cause.Item?.['calls']?.N) }
      }
    },
  }
}

function sumOf(item: Record<string, unknown>): number {
  const isCount = (name: string) => name !== LIMIT_KEY && name !== LIMITS_TTL_ATTRIBUTE
  return Object.entries(item).reduce((sum, [name, value]) => sum + (isCount(name) ? (value as number) : 0), 0)
}
