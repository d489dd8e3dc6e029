import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'

/** When an item may be deleted, in epoch seconds. DynamoDB deletes days later: readers look at the last message. */
export const CONVERSATIONS_TTL_ATTRIBUTE = 'expires_at'

/** An owner's conversations in the order of their ids. Only the first item of a conversation has the attribute `owner`. */
export const OWNER_INDEX = {
  IndexName: 'owner-index',
  KeySchema: [
    { AttributeName: 'owner', KeyType: 'HASH' as const },
    { AttributeName: 'conversation_id', KeyType: 'RANGE' as const },
  ],
  // Without the lease: renewing it is no change of the index.
  Projection: {
    ProjectionType: 'INCLUDE' as const,
    NonKeyAttributes: ['topic_id', 'topic_revision', 'created_at', 'turns', 'updated_at'],
  },
}

/** Attributes of the table's key and of its index. */
export const CONVERSATIONS_ATTRIBUTES = ['conversation', 'part', 'owner', 'conversation_id'].map(
  (AttributeName) => ({ AttributeName, AttributeType: 'S' as const }),
)

/**
 * The table of the conversations, whole: several items for each, by `conversation`, a hash, and `part`. Expiry and
 * point-in-time recovery are switched on by calls of their own once it is active.
 */
export function conversationsTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: CONVERSATIONS_ATTRIBUTES,
    KeySchema: [
      { AttributeName: 'conversation', KeyType: 'HASH' },
      { AttributeName: 'part', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [OWNER_INDEX],
    DeletionProtectionEnabled: true,
  }
}
