import { DescribeTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb'
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { expect } from 'vitest'
import type { AwsClients } from '../../src/adapters/aws/resources.ts'
import type { Step } from '../../src/deployment/aws/provision/properties.ts'
import { provision } from '../../src/deployment/aws/provision/provision.ts'
import type { AwsNames } from '../stand-ins/aws.ts'

/** Provisions in this process. The steps are in `steps` also when it fails. */
export async function provisionAll(
  clients: AwsClients,
  names: AwsNames,
  steps: Step[] = [],
): Promise<Step[]> {
  const { stage } = names
  const wait = { maxWaitMs: 80_000, onWait: () => {} }
  await provision({ names, clients, stage, ...wait, report: (step) => steps.push(step) })
  return steps
}

/** `created bucket: versioning`, without the names. */
export function wordsOf(steps: readonly Step[]): string[] {
  return steps.map(({ resource, part, outcome }) => {
    const kind = resource.replace(/ \S+-(limits|conversations)$/, ' of $1').replace(/ prompts-\S+/, '')
    return `${outcome} ${kind}${part === undefined ? '' : `: ${part}`}`
  })
}

/** What a first run reports on the real parts, with `outcome` for all that they support. */
export function allSteps(outcome: Step['outcome']): string[] {
  return [
    `${outcome} table`,
    `${outcome} table: index type-index`,
    `${outcome} table: index category-index`,
    `${outcome} table: deletion protection`,
    'not supported table: point-in-time recovery',
    `${outcome} table of limits`,
    `${outcome} table of limits: expiry by expires_at`,
    `${outcome} table of conversations`,
    `${outcome} table of conversations: index owner-index`,
    `${outcome} table of conversations: expiry by expires_at`,
    `${outcome} table of conversations: deletion protection`,
    'not supported table of conversations: point-in-time recovery',
    `${outcome} bucket`,
    `${outcome} bucket: versioning`,
    `${outcome} bucket: lifecycle rule`,
    `${outcome} bucket: public access block except BlockPublicAcls`,
    'not supported bucket: TLS-only policy',
    `${outcome} secret`,
    `${outcome} secret`,
  ]
}

/** Both secrets, as they are. */
export async function secretValues({ secrets }: AwsClients, names: AwsNames): Promise<string[]> {
  const values = [names.apiKeySecret, names.jwtSecret].map(async (SecretId) => {
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }))
    return SecretString
  })
  return Promise.all(values)
}

const KEYS_OF = (HASH: string) => [
  { AttributeName: HASH, KeyType: 'HASH' },
  { AttributeName: 'display_order', KeyType: 'RANGE' },
]

/** Looks at everything that a deployment consists of, past the program, and finds all of it. */
export async function expectComplete(clients: AwsClients, names: AwsNames): Promise<void> {
  const { dynamodb, s3 } = clients
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: names.table }))
  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE',
    KeySchema: [{ AttributeName: 'topic_id', KeyType: 'HASH' }],
    DeletionProtectionEnabled: true,
    AttributeDefinitions: expect.arrayContaining([{ AttributeName: 'display_order', AttributeType: 'N' }]),
  })
  const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection, IndexStatus }) => ({
    IndexName,
    KeySchema,
    Projection,
    IndexStatus,
  }))
  const index = { Projection: { ProjectionType: 'ALL' }, IndexStatus: 'ACTIVE' }
  expect(new Set(indexes)).toEqual(
    new Set([
      { ...index, IndexName: 'type-index', KeySchema: KEYS_OF('topic_type') },
      { ...index, IndexName: 'category-index', KeySchema: KEYS_OF('category') },
    ]),
  )

  const limits = { TableName: names.limitsTable }
  expect(await dynamodb.send(new DescribeTableCommand(limits))).toMatchObject({
    Table: {
      KeySchema: [{ AttributeName: 'limit_key', KeyType: 'HASH' }],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    },
  })
  expect(await dynamodb.send(new DescribeTimeToLiveCommand(limits))).toMatchObject({
    TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires_at' },
  })

  const conversations = { TableName: names.conversationsTable }
  expect(await dynamodb.send(new DescribeTableCommand(conversations))).toMatchObject({
    Table: {
      KeySchema: [
        { AttributeName: 'conversation', KeyType: 'HASH' },
        { AttributeName: 'part', KeyType: 'RANGE' },
      ],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      DeletionProtectionEnabled: true,
      GlobalSecondaryIndexes: [
        {
          IndexName: 'owner-index',
          KeySchema: [
            { AttributeName: 'owner', KeyType: 'HASH' },
            { AttributeName: 'conversation_id', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE' },
        },
      ],
    },
  })
  expect(await dynamodb.send(new DescribeTimeToLiveCommand(conversations))).toMatchObject({
    TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires_at' },
  })

  const bucket = { Bucket: names.bucket }
  expect(await s3.send(new GetBucketVersioningCommand(bucket))).toMatchObject({ Status: 'Enabled' })
  const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand(bucket))
  expect(Rules).toContainEqual(
    expect.objectContaining({
      Status: 'Enabled',
      NoncurrentVersionExpiration: { NoncurrentDays: 365 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    }),
  )
  expect(await s3.send(new GetPublicAccessBlockCommand(bucket))).toMatchObject({
    PublicAccessBlockConfiguration: {
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    },
  })

  const [apiKeys = '', jwt = ''] = await secretValues(clients, names)
  expect(JSON.parse(apiKeys)).toEqual({
    api_key: expect.stringMatching(new RegExp(`^ppath_svc_${names.stage}_[0-9a-f]{48}$`)),
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    description: expect.any(String),
    version: 1,
    rotation_schedule: '90 days',
  })
  expect(Buffer.from(jwt, 'base64url')).toHaveLength(48)
}
