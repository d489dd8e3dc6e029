import { ScanCommand } from '@aws-sdk/lib-dynamodb'
import { onTestFinished } from 'vitest'
import { dynamoClient } from '../../src/adapters/aws/resources.ts'
import { conversationsTable } from '../../src/adapters/dynamodb/conversations-table.ts'
import { type AwsParts, freshNames } from '../stand-ins/aws.ts'
import { startFaultProxy } from '../stand-ins/fault-proxy.ts'
import { createTable, type OpenTable } from './limits-table.ts'

/** An empty table of conversations, as the program makes it. */
export async function openConversationsTable(parts: AwsParts): Promise<OpenTable> {
  const { region, credentials, dynamodb } = parts
  const { conversationsTable: table } = freshNames()
  const clientFor = (endpoint: string) => {
    const client = dynamoClient({ region, credentials, endpoint })
    onTestFinished(() => client.destroy())
    return client
  }
  const direct = clientFor(dynamodb)
  await createTable(direct, conversationsTable(table))
  return {
    table,
    async side() {
      const proxy = await startFaultProxy(dynamodb)
      onTestFinished(() => proxy.stop())
      return { client: clientFor(proxy.endpoint), proxy }
    },
    async items() {
      const items: Record<string, unknown>[] = []
      for (let key: Record<string, unknown> | undefined; ; ) {
        const scan = { TableName: table, ConsistentRead: true, ...(key && { ExclusiveStartKey: key }) }
        const { Items = [], LastEvaluatedKey } = await direct.send(new ScanCommand(scan))
        items.push(...Items)
        if (!LastEvaluatedKey) return items
        key = LastEvaluatedKey
      }
    },
  }
}
