import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { callAws } from './calls.ts'

/** Where a resource is, as its ARN says. */
export interface Account {
  /** `aws`, or the name of a part of AWS that is kept apart, for example `aws-cn`. */
  partition: string
  /** Twelve digits; `undefined` where nobody checks accounts, as on a DynamoDB of one's own. */
  id: string | undefined
}

/** What servers that only speak AWS's protocols put where an account belongs. */
const NO_ACCOUNT = '000000000000'

/**
 * Learns the account from the ARN of the topics table: a server may look at that table anyway, while asking AWS who it
 * is takes one more service. The answer is kept, a failure is not.
 *
 * @throws AppError `unavailable` when the table cannot be looked at.
 */
export function accountOf(dynamodb: DynamoDBDocumentClient, table: string): () => Promise<Account> {
  const place = { action: 'dynamodb:DescribeTable', resource: `table ${table}`, setting: 'PROMPTS_TABLE' }
  let known: Promise<Account> | undefined
  async function learn(): Promise<Account> {
    const command = new DescribeTableCommand({ TableName: table })
    const { Table } = await callAws(place, (options) => dynamodb.send(command, options))
    return accountIn(Table?.TableArn)
  }
  return () => {
    known ??= learn().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}

/** @param arn for example `arn:aws:dynamodb:eu-west-1:123456789012:table/topics`. */
function accountIn(arn = ''): Account {
  const [, partition = 'aws', id] = /^arn:([\w-]+):[\w-]+:[\w-]*:(\d{12}):/.exec(arn) ?? []
  return { partition, id: id === NO_ACCOUNT ? undefined : id }
}
