import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import {
  CONVERSATIONS_ATTRIBUTES,
  CONVERSATIONS_TTL_ATTRIBUTE,
  OWNER_INDEX,
} from '../../../adapters/dynamodb/conversations-table.ts'
import { LIMITS_TTL_ATTRIBUTE } from '../../../adapters/dynamodb/limits-table.ts'
import { TOPICS_ATTRIBUTES, TOPICS_INDEXES } from '../../../adapters/dynamodb/topics-table.ts'
import type { Property } from './properties.ts'
import type { Table } from './table.ts'
import { expiryProperty, indexProperty, protectionProperty, recoveryProperty } from './table-properties.ts'

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
