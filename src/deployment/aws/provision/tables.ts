import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import {
  CONVERSATIONS_ATTRIBUTES,
  CONVERSATIONS_TTL_ATTRIBUTE,
  OWNER_INDEX,
} from '../../../adapters/dynamodb/conversations-table.ts'
import { LIMITS_TTL_ATTRIBUTE } from '../../../adapters/dynamodb/limits-table.ts'
import type { Property } from './properties.ts'
import type { Table } from './table.ts'
import { expiryProperty, indexProperty, protectionProperty, recoveryProperty } from './table-properties.ts'

const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const })
const TOPICS_ATTRIBUTES = [
  text('topic_id'),
  text('topic_type'),
  text('category'),
  { AttributeName: 'display_order', AttributeType: 'N' as const },
]

/** For other readers of the table: this program answers lists from its memory. */
const TOPICS_INDEXES = [orderedBy('type-index', 'topic_type'), orderedBy('category-index', 'category')]

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

/** What a table should have, besides its key. */
export type PropertiesOf = (dynamodb: DynamoDBDocumentClient, name: string, table: Table) => Property[]

export const topicsTableProperties: PropertiesOf = (dynamodb, name, table) => [
  ...TOPICS_INDEXES.map((index) => indexProperty(table, index, TOPICS_ATTRIBUTES)),
  protectionProperty(table),
  recoveryProperty(dynamodb, name, table),
]

export const limitsTableProperties: PropertiesOf = (dynamodb, name, table) => [
  expiryProperty(dynamodb, name, table, LIMITS_TTL_ATTRIBUTE),
]

export const conversationsTableProperties: PropertiesOf = (dynamodb, name, table) => [
  indexProperty(table, OWNER_INDEX, CONVERSATIONS_ATTRIBUTES),
  expiryProperty(dynamodb, name, table, CONVERSATIONS_TTL_ATTRIBUTE),
  protectionProperty(table),
  recoveryProperty(dynamodb, name, table),
]
