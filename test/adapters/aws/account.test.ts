import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import { accountOf } from '../../../src/adapters/aws/account.ts'
import { topicsTable } from '../../../src/adapters/dynamodb/topics-table.ts'
import { proxiedParts } from '../../helpers/aws-proxies.ts'
import { failureOf } from '../../helpers/errors.ts'
import { describeWithAws, freshNames } from '../../stand-ins/aws.ts'
import { type Fault, LOST } from '../../stand-ins/faults.ts'

describeWithAws('the account', (parts) => {
  test('is asked for once, however many want to know, and only as often as that fails', async () => {
    const { clients, dynamodb } = await proxiedParts(parts)
    const { table } = freshNames()
    const account = accountOf(clients.dynamodb, table)
    expect((await failureOf(account)).operatorMessage).toContain(table)
    await clients.dynamodb.send(new CreateTableCommand(topicsTable(table)))
    dynamodb.reset()
    const answers = await Promise.all([account(), account(), account()])
    expect(new Set(answers).size).toBe(1)
    await account()
    expect(dynamodb.requests).toHaveLength(1)
  })

  test.each([
    ['arn:aws:dynamodb:eu-west-1:123456789012:table/t', { partition: 'aws', id: '123456789012' }],
    ['arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t', { partition: 'aws-cn', id: '123456789012' }],
    ['arn:aws:dynamodb:ddblocal:000000000000:table/t', { partition: 'aws', id: undefined }],
    ['something else', { partition: 'aws', id: undefined }],
  ])('is taken from %s', async (arn, expected) => {
    const { clients, dynamodb } = await proxiedParts(parts)
    const { table } = freshNames()
    await clients.dynamodb.send(new CreateTableCommand(topicsTable(table)))
    dynamodb.inject(withArn(arn), { times: Infinity })
    expect(await accountOf(clients.dynamodb, table)()).toEqual(expected)
  })
})

function withArn(arn: string): Fault {
  return {
    name: 'withArn',
    async act(asked, respond) {
      const answer = await respond(asked)
      if (answer === LOST) return LOST
      const text = answer.body.toString().replace(/"TableArn":"[^"]*"/, `"TableArn":"${arn}"`)
      return {
        ...answer,
        headers: { ...answer.headers, 'content-length': `${text.length}` },
        body: Buffer.from(text),
      }
    },
  }
}
