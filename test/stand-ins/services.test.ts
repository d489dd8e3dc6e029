import { CreateTableCommand, DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb'
import { expect, onTestFinished, test } from 'vitest'
import { type AwsParts, awsParts, describeWithAws, environmentFor, freshNames } from './aws.ts'
import { startFaultProxy } from './fault-proxy.ts'
import {
  accessDenied,
  cutBody,
  drop,
  dropResponse,
  latency,
  slowDown,
  throttle,
  unprocessed,
} from './faults.ts'

// That the parts behave as AWS does where the program relies on it, and that faults reach a client.

/** `maxAttempts` is the SDK's own: with more than one it tries again after a fault. */
function clientsOf({ region, credentials, ...endpoints }: AwsParts, maxAttempts = 1) {
  const common = { region, credentials, maxAttempts }
  return {
    dynamodb: DynamoDBDocumentClient.from(new DynamoDBClient({ ...common, endpoint: endpoints.dynamodb })),
    s3: new S3Client({ ...common, endpoint: endpoints.s3, forcePathStyle: true }),
    secrets: new SecretsManagerClient({ ...common, endpoint: endpoints.secretsManager }),
  }
}

async function proxyTo(target: string) {
  const proxy = await startFaultProxy(target)
  onTestFinished(() => proxy.stop())
  return proxy
}

async function freshTable({ dynamodb }: ReturnType<typeof clientsOf>): Promise<string> {
  const { table } = freshNames()
  await dynamodb.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    }),
  )
  return table
}

const putOf = (TableName: string, pk: string) => new PutCommand({ TableName, Item: { pk, revision: 1 } })
const readOf = (TableName: string, pk: string) =>
  new GetCommand({ TableName, Key: { pk }, ConsistentRead: true })

describeWithAws('DynamoDB', (parts) => {
  test('a transaction that loses says what stands in its way, and changes nothing', async () => {
    const clients = clientsOf(parts)
    const TableName = await freshTable(clients)
    await clients.dynamodb.send(putOf(TableName, 'a'))
    const condition = {
      ConditionExpression: 'revision = :expected',
      ExpressionAttributeValues: { ':expected': 7 },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }
    const lost = await clients.dynamodb
      .send(
        new TransactWriteCommand({
          TransactItems: [
            { Put: { TableName, Item: { pk: 'b', revision: 1 } } },
            { Put: { TableName, Item: { pk: 'a', revision: 8 }, ...condition } },
          ],
        }),
      )
      .catch((error: unknown) => error)
    expect(lost).toBeInstanceOf(TransactionCanceledException)
    expect((lost as TransactionCanceledException).CancellationReasons).toMatchObject([
      { Code: 'None' },
      // The document client leaves it as it is on the wire.
      { Code: 'ConditionalCheckFailed', Item: { pk: { S: 'a' }, revision: { N: '1' } } },
    ])
    expect(await clients.dynamodb.send(readOf(TableName, 'b'))).not.toHaveProperty('Item')
  })
})

describeWithAws('S3', (parts) => {
  test('keeps every version of an object and lists the newest first', async () => {
    const { s3 } = clientsOf(parts)
    const { bucket: Bucket } = freshNames()
    const Key = 'prompts/core_values/system.md'
    await s3.send(new CreateBucketCommand({ Bucket }))
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const ids: (string | undefined)[] = []
    for (const Body of ['one', 'two']) {
      const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
      ids.unshift(VersionId)
    }
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }))
    expect(Versions.map(({ VersionId }) => VersionId)).toEqual(ids)
    const old = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId: ids[1] }))
    expect(await old.Body?.transformToString()).toBe('one')
  })
})

describeWithAws('Secrets Manager', (parts) => {
  async function secretOf(...values: string[]) {
    const { secrets } = clientsOf(parts)
    const { apiKeySecret: SecretId } = freshNames()
    const first = await secrets.send(new CreateSecretCommand({ Name: SecretId, SecretString: values[0] }))
    const ids = [first.VersionId]
    for (const SecretString of values.slice(1)) {
      const stages = { VersionStages: [`WRITER-${ids.length}`] }
      const added = await secrets.send(new PutSecretValueCommand({ SecretId, SecretString, ...stages }))
      ids.push(added.VersionId)
    }
    const move = (to: string | undefined, from: string | undefined) =>
      secrets.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: to,
          RemoveFromVersionId: from,
        }),
      )
    return { secrets, SecretId, ids, move }
  }

  test('of two writers who saw the same version only one makes its own current', async () => {
    const { secrets, SecretId, ids, move } = await secretOf('old', 'first', 'second')
    const [old = '', first = '', second = ''] = ids
    await move(first, old)
    await expect(move(second, old)).rejects.toMatchObject({ name: 'InvalidParameterException' })
    await expect(move(second, undefined)).rejects.toMatchObject({ name: 'InvalidParameterException' })
    expect(await secrets.send(new GetSecretValueCommand({ SecretId }))).toMatchObject({
      SecretString: 'first',
    })
    const { VersionIdsToStages } = await secrets.send(new DescribeSecretCommand({ SecretId }))
    expect(VersionIdsToStages).toEqual({
      [old]: ['AWSPREVIOUS'],
      [first]: ['WRITER-1', 'AWSCURRENT'],
      [second]: ['WRITER-2'],
    })
  })

  test('a version is found by id and by stage, and put once however often it is tried', async () => {
    const { secrets, SecretId, ids } = await secretOf('old')
    const ClientRequestToken = 'a-token-of-thirty-two-characters'
    const put = (SecretString: string) =>
      secrets.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken }))
    await put('new')
    expect(await put('new')).toMatchObject({ VersionId: ClientRequestToken })
    await expect(put('other')).rejects.toMatchObject({ name: 'ResourceExistsException' })
    const read = async (of: { VersionId?: string | undefined; VersionStage?: string }) =>
      (await secrets.send(new GetSecretValueCommand({ SecretId, ...of }))).SecretString
    expect(await read({ VersionId: ids[0] })).toBe('old')
    expect(await read({ VersionStage: 'AWSPREVIOUS' })).toBe('old')
    expect(await read({ VersionStage: 'AWSCURRENT' })).toBe('new')
    await expect(read({ VersionStage: 'NEVER' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  test('versions are listed, tags are replaced by key, and what is deleted is out of reach', async () => {
    const { secrets, SecretId, ids } = await secretOf('old', 'new')
    await secrets.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'WRITER-1',
        RemoveFromVersionId: ids[1],
      }),
    )
    const list = async (IncludeDeprecated: boolean) =>
      (await secrets.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated }))).Versions?.map(
        ({ VersionId }) => VersionId,
      )
    expect(await list(false)).toEqual([ids[0]])
    expect(await list(true)).toEqual(ids)
    for (const Value of ['b', 'c'])
      await secrets.send(new TagResourceCommand({ SecretId, Tags: [{ Key: 'a', Value }] }))
    expect(await secrets.send(new DescribeSecretCommand({ SecretId }))).toMatchObject({
      Tags: [{ Key: 'a', Value: 'c' }],
    })
    await secrets.send(new DeleteSecretCommand({ SecretId }))
    await expect(secrets.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    })
  })

  test('an outage ends when it is healed', async () => {
    const { secrets, SecretId } = await secretOf('value')
    parts.secrets.outage()
    await expect(secrets.send(new GetSecretValueCommand({ SecretId }))).rejects.toThrow(/ECONNRESET|hang up/)
    parts.secrets.heal()
    expect(await secrets.send(new GetSecretValueCommand({ SecretId }))).toMatchObject({
      SecretString: 'value',
    })
  })
})

describeWithAws('Faults', (parts) => {
  async function tableBehindProxy(maxAttempts?: number) {
    const proxy = await proxyTo(parts.dynamodb)
    const clients = clientsOf({ ...parts, dynamodb: proxy.endpoint }, maxAttempts)
    const table = await freshTable(clients)
    proxy.reset()
    return { proxy, table, dynamodb: clients.dynamodb }
  }

  test('throttled calls are tried again, and every try is counted', async () => {
    const { proxy, table, dynamodb } = await tableBehindProxy(3)
    proxy.inject(throttle(), { op: 'PutItem', times: 2 })
    await dynamodb.send(putOf(table, 'a'))
    expect(proxy.requests).toEqual([
      { op: 'PutItem', nth: 1, faults: ['ThrottlingException'], status: 400 },
      { op: 'PutItem', nth: 2, faults: ['ThrottlingException'], status: 400 },
      { op: 'PutItem', nth: 3, faults: [], status: 200 },
    ])
  })

  test('an outage breaks connections, also those in use, until it is healed', async () => {
    const { proxy, table, dynamodb } = await tableBehindProxy()
    proxy.inject(latency(60_000), { op: 'PutItem' })
    const inUse = dynamodb.send(putOf(table, 'a')).catch((error: unknown) => error)
    await expect.poll(() => proxy.requests.length).toBe(1)
    proxy.outage()
    expect(await inUse).toMatchObject({ code: 'ECONNRESET' })
    await expect(dynamodb.send(readOf(table, 'a'))).rejects.toThrow(/ECONNRESET|hang up/)
    proxy.heal()
    expect(await dynamodb.send(readOf(table, 'a'))).not.toHaveProperty('Item')
  })

  test('a hook runs before the server acts, another when it has acted and nobody knows', async () => {
    const { proxy, table, dynamodb } = await tableBehindProxy()
    const direct = clientsOf(parts).dynamodb
    const seen: [hook: string, op: string, nth: number, isThere: boolean][] = []
    const look = (hook: string) => async (op: string, nth: number) => {
      const { Item } = await direct.send(readOf(table, 'a'))
      seen.push([hook, op, nth, Item !== undefined])
    }
    proxy.beforeForward = look('before')
    proxy.afterForward = look('after')
    await dynamodb.send(putOf(table, 'a'))
    expect(seen).toEqual([
      ['before', 'PutItem', 1, false],
      ['after', 'PutItem', 1, true],
    ])
  })

  test('a lost request changes nothing, a lost answer hides a change', async () => {
    const { proxy, table, dynamodb } = await tableBehindProxy()
    proxy.inject(drop())
    await expect(dynamodb.send(putOf(table, 'a'))).rejects.toThrow()
    expect(await dynamodb.send(readOf(table, 'a'))).not.toHaveProperty('Item')
    proxy.inject(dropResponse())
    await expect(dynamodb.send(putOf(table, 'a'))).rejects.toThrow()
    expect(await dynamodb.send(readOf(table, 'a'))).toHaveProperty('Item')
  })

  test('of a batch some keys come back unprocessed', async () => {
    const { proxy, table, dynamodb } = await tableBehindProxy()
    for (const pk of ['a', 'b']) await dynamodb.send(putOf(table, pk))
    const Keys = [{ pk: 'a' }, { pk: 'b' }]
    proxy.inject(unprocessed(1))
    const half = await dynamodb.send(new BatchGetCommand({ RequestItems: { [table]: { Keys } } }))
    expect(half.Responses).toEqual({ [table]: [{ pk: 'a', revision: 1 }] })
    expect(half.UnprocessedKeys).toEqual({ [table]: { Keys: [{ pk: 'b' }] } })
  })

  test('access is denied and requests are slowed down in the protocol of each service', async () => {
    const { proxy, table, dynamodb } = await tableBehindProxy()
    proxy.inject(accessDenied())
    await expect(dynamodb.send(readOf(table, 'a'))).rejects.toMatchObject({ name: 'AccessDeniedException' })

    const s3Proxy = await proxyTo(parts.s3)
    const { s3 } = clientsOf({ ...parts, s3: s3Proxy.endpoint })
    const { bucket: Bucket } = freshNames()
    const [put, get] = [
      { Bucket, Key: 'a', Body: 'text' },
      { Bucket, Key: 'a' },
    ]
    await s3.send(new CreateBucketCommand({ Bucket }))
    for (const fault of [accessDenied(), slowDown()]) s3Proxy.inject(fault, { op: 'PutObject' })
    await expect(s3.send(new PutObjectCommand(put))).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(s3.send(new PutObjectCommand(put))).rejects.toMatchObject({ name: 'SlowDown' })
    await s3.send(new PutObjectCommand(put))
    s3Proxy.inject(cutBody(2), { op: 'GetObject' })
    const { Body } = await s3.send(new GetObjectCommand(get))
    await expect(Body?.transformToString()).rejects.toThrow('aborted')
    expect(s3Proxy.requests.map(({ op }) => op)).toEqual([
      `PUT /${Bucket}/`,
      'PutObject',
      'PutObject',
      'PutObject',
      'GetObject',
    ])
  })
})

describeWithAws('The parts', (parts) => {
  test('are one for all but Secrets Manager, and the program is told where they are', async () => {
    const others = await awsParts()
    const names = freshNames()
    const own = environmentFor(parts, names)
    expect(own).toMatchObject({ PROMPTS_STORE: 'aws', STAGE: names.stage })
    expect(Object.values(own)).not.toContain(undefined)
    expect(environmentFor(others, names)).toEqual({
      ...own,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: others.secrets.endpoint,
    })
    expect(others.secrets.endpoint).not.toBe(parts.secrets.endpoint)
    expect(freshNames().table).not.toBe(names.table)
  })
})
