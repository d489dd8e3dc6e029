import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { expect, it } from 'vitest'
import { conversationsTable } from '../../src/adapters/dynamodb/conversations-table.ts'
import { limitsTable } from '../../src/adapters/dynamodb/limits-table.ts'
import { topicsTable } from '../../src/adapters/dynamodb/topics-table.ts'
import { parseKeyDocument } from '../../src/adapters/secrets-manager/api-key-document.ts'
import { loadConfig } from '../../src/config.ts'
import { KEPT_DAYS, RULE_ID, UPLOAD_DAYS } from '../../src/deployment/aws/provision/kept-versions.ts'
import type { Table } from '../../src/deployment/aws/provision/table.ts'
import {
  conversationsTableProperties,
  limitsTableProperties,
  type PropertiesOf,
  topicsTableProperties,
} from '../../src/deployment/aws/provision/tables.ts'
import { codesIn, tableRows } from '../docs/pages.ts'
import { goldenTemplate, resourcesOf } from '../helpers/cdk.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'

// What the stacks contain: stacks.test.ts holds the golden files to the app.
const data = goldenTemplate('data')
const webFunction = goldenTemplate('web-function')
const fargate = goldenTemplate('fargate')

it.each([
  [topicsTable, 'purposepath-llm-prompts-dev', topicsTableProperties],
  [limitsTable, 'purposepath-limits-dev', limitsTableProperties],
  [conversationsTable, 'purposepath-conversations-dev', conversationsTableProperties],
] as [(name: string) => CreateTableCommandInput, string, PropertiesOf][])(
  'the table of %o is as provision makes it',
  (definition, name, propertiesOf) => {
    const tables = resourcesOf(data, 'AWS::DynamoDB::Table')
    const { Properties = {}, DeletionPolicy } =
      tables.find(({ Properties }) => Properties['TableName'] === name) ?? {}
    expect(Properties).toMatchObject(definition(name))
    expect(DeletionPolicy).toBe('Retain')
    const { GlobalSecondaryIndexes = [], TimeToLiveSpecification: expiry } = Properties as {
      GlobalSecondaryIndexes?: { IndexName: string }[]
      TimeToLiveSpecification?: { AttributeName: string; Enabled: boolean }
    }
    const recovery = { PointInTimeRecoveryEnabled: true }
    const made = [
      ...GlobalSecondaryIndexes.map(({ IndexName }) => `index ${IndexName}`),
      ...(expiry?.Enabled ? [`expiry by ${expiry.AttributeName}`] : []),
      ...(Properties['DeletionProtectionEnabled'] ? ['deletion protection'] : []),
      ...(JSON.stringify(Properties['PointInTimeRecoverySpecification']) === JSON.stringify(recovery)
        ? ['point-in-time recovery']
        : []),
    ]
    const needed = propertiesOf(DynamoDBDocumentClient.prototype, name, {} as Table)
    expect(made).toEqual(needed.map((property) => property.name))
  },
)

it('the bucket is as provision makes it', () => {
  const [bucket] = resourcesOf(data, 'AWS::S3::Bucket')
  expect(bucket).toMatchObject({
    DeletionPolicy: 'Retain',
    Properties: {
      BucketName: loadConfig({}).aws.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      LifecycleConfiguration: {
        Rules: [
          {
            Id: RULE_ID,
            Status: 'Enabled',
            NoncurrentVersionExpiration: { NoncurrentDays: KEPT_DAYS },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: UPLOAD_DAYS },
          },
        ],
      },
    },
  })
  const [policy] = resourcesOf(data, 'AWS::S3::BucketPolicy')
  expect(JSON.stringify(policy)).toContain('{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"')
})

it('the secrets can be read by the program, and the key rotates every 90 days', () => {
  const secrets = resourcesOf(data, 'AWS::SecretsManager::Secret')
  const [keys, tokens] = secrets.map(({ Properties }) => Properties as Record<string, Record<string, string>>)
  const { SecretStringTemplate = '', GenerateStringKey = '' } = keys?.['GenerateSecretString'] ?? {}
  const first = { ...JSON.parse(SecretStringTemplate), [GenerateStringKey]: 'f'.repeat(48) }
  expect(parseKeyDocument(JSON.stringify(first))).toMatchObject({ faults: [], apiKey: 'f'.repeat(48) })
  expect(Number(tokens?.['GenerateSecretString']?.['PasswordLength'])).toBeGreaterThanOrEqual(48)
  const [schedule] = resourcesOf(data, 'AWS::SecretsManager::RotationSchedule')
  expect(schedule?.Properties).toMatchObject({ RotationRules: { AutomaticallyAfterDays: 90 } })
})

it('the service has the permissions of the policy file and no others', () => {
  const { Statement } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'deploy/iam-policy.json'), 'utf8'))
  const actions = (Statement as { Action: string[] }[]).flatMap(({ Action }) => Action).sort()
  for (const service of [webFunction, fargate]) {
    const policy = resourcesOf(service, 'AWS::IAM::Policy').find(({ Properties }) =>
      JSON.stringify(Properties).includes('bedrock:InvokeModel"'),
    )
    const { Statement: given } = policy?.Properties['PolicyDocument'] as {
      Statement: { Action: string | string[] }[]
    }
    expect(given.flatMap(({ Action }) => Action).sort()).toEqual(actions)
    expect(JSON.stringify(policy)).not.toContain('${Stage}')
  }
})

it('every variable is a setting of the program, which starts with them', () => {
  const names = tableRows('docs/settings.md', 'variable').flatMap(([variable]) => codesIn(variable))
  for (const environment of [ofWebFunction(), ofFargate()]) {
    expect(Object.keys(environment).filter((name) => !names.includes(name))).toEqual([])
    const config = loadConfig({ ...environment, AWS_LAMBDA_HTTP_ENDPOINT: '0.0.0.0:3000' })
    expect(config).toMatchObject({ store: 'aws', emf: true, publicUrl: PUBLIC.PROMPTS_PUBLIC_URL })
  }
})

function ofWebFunction(): Record<string, string> {
  const [revision] = resourcesOf(webFunction, 'AWS::Lambda::WebFunctionRevision')
  const { EnvironmentVariables } = revision?.Properties['ServiceConfig'] as Record<
    string,
    Record<string, string>
  >
  // CDK's, for Lambda: which file is started.
  const { AWS_LAMBDA_NODEJS_ENTRYPOINT: entry, ...environment } = EnvironmentVariables ?? {}
  expect(entry).toBe('deploy/web-function.js')
  return environment
}

function ofFargate(): Record<string, string> {
  const [task] = resourcesOf(fargate, 'AWS::ECS::TaskDefinition')
  const [container] = task?.Properties['ContainerDefinitions'] as {
    Environment: { Name: string; Value: string }[]
  }[]
  return Object.fromEntries((container?.Environment ?? []).map(({ Name, Value }) => [Name, Value]))
}

it('tasks are stopped later than the program stops itself', () => {
  const [task] = resourcesOf(fargate, 'AWS::ECS::TaskDefinition')
  const { shutdown, llm } = loadConfig({})
  const [container] = task?.Properties['ContainerDefinitions'] as { StopTimeout: number }[]
  expect((container?.StopTimeout ?? 0) * 1000).toBeGreaterThan(shutdown.mostMs)
  const [group] = resourcesOf(fargate, 'AWS::ElasticLoadBalancingV2::TargetGroup')
  const attributes = group?.Properties['TargetGroupAttributes'] as { Key: string; Value: string }[]
  const delay = attributes.find(({ Key }) => Key === 'deregistration_delay.timeout_seconds')
  expect(Number(delay?.Value) * 1000).toBeGreaterThan(llm.timeoutMs)
})

it('the new revision has the share that the context says, and the one before the rest', () => {
  const [endpoint] = resourcesOf(webFunction, 'AWS::Lambda::WebFunctionEndpoint')
  expect(endpoint?.Properties['RevisionWeights']).toEqual([
    { RevisionId: { 'Fn::GetAtt': [expect.stringContaining('Revision'), 'RevisionId'] }, Weight: 10 },
    { RevisionId: 'earlier', Weight: 90 },
  ])
})
