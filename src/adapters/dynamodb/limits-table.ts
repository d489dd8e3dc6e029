import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'

/** The table's key: names what an item counts (`{limit} {key} {minute}`) or keeps (`sign-in {sha256}`). */
export const LIMIT_KEY = 'limit_key'

/** When an item may be deleted, in epoch seconds. DynamoDB deletes hours later: readers of an item check it. */
export const LIMITS_TTL_ATTRIBUTE = 'expires_at'

/**
 * The table that all instances share for counts of callers and codes of sign-in links. Nothing in it outlives minutes, so
 * it needs no backup. The TTL on {@link LIMITS_TTL_ATTRIBUTE} is switched on by a call of its own once the table is
 * active.
 */
export function limitsTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: LIMIT_KEY, AttributeType: 'S' }],
    KeySchema: [{ AttributeName: LIMIT_KEY, KeyType: 'HASH' }],
  }
}
