import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'

const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const })
/** Attributes of the table's key and of its indexes. */
export const TOPICS_ATTRIBUTES = [
  text('topic_id'),
  text('topic_type'),
  text('category'),
  { AttributeName: 'display_order', AttributeType: 'N' as const },
]

/** For other readers of the table: this program answers lists from its memory. */
export const TOPICS_INDEXES = [orderedBy('type-index', 'topic_type'), orderedBy('category-index', 'category')]

function orderedBy(IndexName: string, AttributeName: string) {
  return {
    IndexName,
    KeySchema: [
      { AttributeName, KeyType: 'HASH' as const },
      { AttributeName: 'display_order', KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'ALL' as const },
  }
}

/** The table of the topics, whole. Point-in-time recovery is switched on by a call of its own once it is active. */
export function topicsTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: TOPICS_ATTRIBUTES,
    KeySchema: [{ AttributeName: 'topic_id', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: TOPICS_INDEXES,
    DeletionProtectionEnabled: true,
  }
}
