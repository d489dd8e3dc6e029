import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { onTestFinished } from 'vitest'
import { clientSettings } from '../../src/adapters/aws/calls.ts'
import { limitsTable } from '../../src/adapters/dynamodb/limits-table.ts'
import { type AwsParts, freshNames } from '../stand-ins/aws.ts'
import { startFaultProxy } from '../stand-ins/fault-proxy.ts'
import type { FaultyServer } from '../stand-ins/faulty-server.ts'

/** One instance's way to the table: its own client, behind a proxy that nobody else uses. */
export interface Side {
  client: DynamoDBDocumentClient
  proxy: FaultyServer
}

export interface OpenTable {
  table: string
  side(): Promise<Side>
  items(): Promise<Record<string, unknown>[]>
}

/** Creates a table whose name nothing else has. On a slow machine a lost first attempt may have made it. */
export async function createTable(
  client: DynamoDBDocumentClient,
  input: CreateTableCommandInput,
): Promise<void> {
  await client.send(new CreateTableCommand(input)).catch((error: unknown) => {
    if (!(error instanceof ResourceInUseException)) throw error
  })
}

/** An empty limits table, as the program makes it. */
export async function openLimitsTable({ region, credentials, dynamodb }: AwsParts): Promise<OpenTable> {
  const { limitsTable: table } = freshNames()
  const clientFor = (endpoint: string) => {
    const plain = new DynamoDBClient({ ...clientSettings, region, credentials, endpoint })
    onTestFinished(() => plain.destroy())
    return DynamoDBDocumentClient.from(plain)
  }
  const direct = clientFor(dynamodb)
  await createTable(direct, limitsTable(table))
  return {
    table,
    async side() {
      const proxy = await startFaultProxy(dynamodb)
      onTestFinished(() => proxy.stop())
      return { client: clientFor(proxy.endpoint), proxy }
    },
    async items() {
      const { Items = [] } = await direct.send(new ScanCommand({ TableName: table, ConsistentRead: true }))
      return Items
    },
  }
}
