import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { lazily } from '../../util/lazily.ts'
import { callAws } from './calls.ts'

/** The account of a resource, as its ARN says. */
export interface Account {
  /** `aws`, or another partition, for example `aws-cn`. */
  partition: string
  /** Twelve digits; `undefined` where accounts are not checked, as on a local DynamoDB. */
  id: string | undefined
}

/** Account id of servers that only speak AWS's protocols. */
const NO_ACCOUNT = '000000000000'

/**
 * Learns the account from the ARN of the topics table: a server may describe that table anyway, while asking AWS for its
 * identity takes one more service. The answer is kept, a failure is not.
 *
 * @throws AppError `unavailable` when the table cannot be described.
 */
export function accountOf(dynamodb: DynamoDBDocumentClient, table: string): () => Promise<Account> {
  const call = { action: 'dynamodb:DescribeTable', resource: `table ${table}`, setting: 'PROMPTS_TABLE' }
  return lazily(async () => {
    const command = new DescribeTableCommand({ TableName: table })
    const { Table } = await callAws(call, (options) => dynamodb.send(command, options))
    return accountIn(Table?.TableArn)
  })
}

/** @param arn for example `arn:aws:dynamodb:eu-west-1:123456789012:table/topics`. */
function accountIn(arn = ''): Account {
  const [, partition = 'aws', id] = /^arn:([\w-]+):[\w-]+:[\w-]*:(\d{12}):/.exec(arn) ?? []
  return { partition, id: id === NO_ACCOUNT ? undefined : id }
}
