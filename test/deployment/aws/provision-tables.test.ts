import {
  CreateTableCommand,
  DescribeTableCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { beforeAll, expect, test } from 'vitest'
import { topicsTable } from '../../../src/adapters/dynamodb/topics-table.ts'
import { proxiedParts } from '../../helpers/aws-proxies.ts'
import { failureOf } from '../../helpers/errors.ts'
import { allSteps, expectComplete, provisionAll, wordsOf } from '../../helpers/provisioning.ts'
import { type AwsParts, describeWithAws, freshNames } from '../../stand-ins/aws.ts'
import { startDynamoDb } from '../../stand-ins/dynamodb.ts'

const TOPIC_ID = { AttributeName: 'topic_id', AttributeType: 'S' as const }
const HASH = [{ AttributeName: 'topic_id', KeyType: 'HASH' as const }]

/** DynamoDB Local takes a second for an index, and one more for each table in which items expire. */
const SLOW_MS = 90_000

describeWithAws('provisioning tables', (parts) => {
  // All other tests leave such tables, so these have a server of their own.
  const own = {} as AwsParts
  beforeAll(async () => {
    const { endpoint, stop } = await startDynamoDb()
    Object.assign(own, parts, { dynamodb: endpoint })
    return stop
  })

  test('adds what a table lacks, and keeps what is in it', { timeout: SLOW_MS }, async () => {
    const { clients } = await proxiedParts(own)
    const names = freshNames()
    const { dynamodb } = clients
    await dynamodb.send(
      new CreateTableCommand({
        TableName: names.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [TOPIC_ID],
        KeySchema: HASH,
      }),
    )
    const Item = { topic_id: 'goals', topic_type: 'single_shot', category: 'kpi', display_order: 1 }
    await dynamodb.send(new PutCommand({ TableName: names.table, Item }))

    const steps = wordsOf(await provisionAll(clients, names))
    expect(steps.slice(0, 5)).toEqual([
      'already there table',
      'completed table: index type-index',
      'completed table: index category-index',
      'completed table: deletion protection',
      'not supported table: point-in-time recovery',
    ])
    await expectComplete(clients, names)
    const found = await dynamodb.send(new GetCommand({ TableName: names.table, Key: { topic_id: 'goals' } }))
    expect(found.Item).toEqual(Item)
  })

  test('adds one index to a table that has the other, with throughput of its own', {
    timeout: SLOW_MS,
  }, async () => {
    const { clients } = await proxiedParts(own)
    const names = freshNames()
    const { BillingMode: _, DeletionProtectionEnabled: __, ...whole } = topicsTable(names.table)
    const ProvisionedThroughput = { ReadCapacityUnits: 3, WriteCapacityUnits: 2 }
    const indexes = whole.GlobalSecondaryIndexes?.slice(0, 1).map((index) => ({
      ...index,
      ProvisionedThroughput,
    }))
    await clients.dynamodb.send(
      new CreateTableCommand({
        ...whole,
        AttributeDefinitions: whole.AttributeDefinitions?.filter(
          ({ AttributeName }) => AttributeName !== 'category',
        ),
        GlobalSecondaryIndexes: indexes,
        ProvisionedThroughput,
      }),
    )
    const steps = wordsOf(await provisionAll(clients, names))
    expect(steps.slice(0, 4)).toEqual([
      'already there table',
      'already there table: index type-index',
      'completed table: index category-index',
      'completed table: deletion protection',
    ])
    const { Table } = await clients.dynamodb.send(new DescribeTableCommand({ TableName: names.table }))
    for (const index of Table?.GlobalSecondaryIndexes ?? []) {
      expect(index.ProvisionedThroughput).toMatchObject(ProvisionedThroughput)
    }
    expect(wordsOf(await provisionAll(clients, names))).toEqual(allSteps('already there'))
  })

  test('makes an index again that is being deleted', { timeout: SLOW_MS }, async () => {
    const { clients } = await proxiedParts(own)
    const names = freshNames()
    await provisionAll(clients, names)
    const GlobalSecondaryIndexUpdates = [{ Delete: { IndexName: 'category-index' } }]
    await clients.dynamodb.send(
      new UpdateTableCommand({ TableName: names.table, GlobalSecondaryIndexUpdates }),
    )
    const steps = wordsOf(await provisionAll(clients, names))
    expect(steps).toContain('completed table: index category-index')
    await expectComplete(clients, names)
  })

  test.each([
    ['table', 'PROMPTS_TABLE', 'topic_id (S)'],
    ['limitsTable', 'PROMPTS_LIMITS_TABLE', 'limit_key (S)'],
    ['conversationsTable', 'PROMPTS_CONVERSATIONS_TABLE', 'conversation (S), part (S)'],
  ] as const)('a %s with another key is left alone', async (which, setting, needed) => {
    const proxied = await proxiedParts(own)
    const names = freshNames()
    const foreign = {
      TableName: names[which],
      BillingMode: 'PAY_PER_REQUEST' as const,
      AttributeDefinitions: [
        { AttributeName: 'tenant', AttributeType: 'S' as const },
        { AttributeName: 'at', AttributeType: 'N' as const },
      ],
      KeySchema: [
        { AttributeName: 'tenant', KeyType: 'HASH' as const },
        { AttributeName: 'at', KeyType: 'RANGE' as const },
      ],
    }
    await proxied.clients.dynamodb.send(new CreateTableCommand(foreign))
    const { code, operatorMessage } = await failureOf(() => provisionAll(proxied.clients, names))
    expect(code).toBe('conflict')
    for (const part of [names[which], 'tenant (S), at (N)', needed, setting]) {
      expect(operatorMessage).toContain(part)
    }
    const { Table } = await proxied.clients.dynamodb.send(
      new DescribeTableCommand({ TableName: names[which] }),
    )
    expect(Table?.DeletionProtectionEnabled).not.toBe(true)
  })

  test('an index of another kind under the same name is left alone', async () => {
    const { clients } = await proxiedParts(own)
    const names = freshNames()
    const [type] = topicsTable(names.table).GlobalSecondaryIndexes ?? []
    await clients.dynamodb.send(
      new CreateTableCommand({
        TableName: names.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [TOPIC_ID],
        KeySchema: HASH,
        GlobalSecondaryIndexes: [{ IndexName: 'type-index', KeySchema: HASH, Projection: type?.Projection }],
      }),
    )
    const { code, operatorMessage } = await failureOf(() => provisionAll(clients, names))
    expect(code).toBe('conflict')
    expect(operatorMessage).toContain('type-index')
    expect(operatorMessage).toContain('topic_type (S), display_order (N)')
  })

  test('items that expire by another attribute are left alone', async () => {
    const { clients } = await proxiedParts(own)
    const names = freshNames()
    const TableName = names.limitsTable
    await provisionAll(clients, names)
    const { limitsTable: _, ...others } = names
    const fresh = { ...others, limitsTable: `${TableName}-2` }
    await clients.dynamodb.send(
      new CreateTableCommand({
        TableName: fresh.limitsTable,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'limit_key', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'limit_key', KeyType: 'HASH' }],
      }),
    )
    const TimeToLiveSpecification = { AttributeName: 'ends', Enabled: true }
    await clients.dynamodb.send(
      new UpdateTimeToLiveCommand({ TableName: fresh.limitsTable, TimeToLiveSpecification }),
    )
    const { code, operatorMessage } = await failureOf(() => provisionAll(clients, fresh))
    expect(code).toBe('conflict')
    for (const part of ['ends', 'expires_at', 'PROMPTS_LIMITS_TABLE']) expect(operatorMessage).toContain(part)
  })
})
