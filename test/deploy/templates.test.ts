import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
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
import { goldenTemplate, resourceOf, resourcesOf } from '../helpers/cdk.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'

// What the stacks contain: stacks.test.ts holds the golden files to the app.
const data = goldenTemplate('data')
const webFunction = goldenTemplate('web-function')
const fargate = goldenTemplate('fargate')

/** The properties of a table that the tests compare. */
interface TableProperties {
  TableName: string
  GlobalSecondaryIndexes?: { IndexName: string }[]
  TimeToLiveSpecification?: { AttributeName: string }
  DeletionProtectionEnabled?: boolean
  PointInTimeRecoverySpecification?: { PointInTimeRecoveryEnabled: boolean }
}

it.each([
  ['topics', topicsTable('purposepath-llm-prompts-dev'), topicsTableProperties],
  ['limits', limitsTable('purposepath-limits-dev'), limitsTableProperties],
  ['conversations', conversationsTable('purposepath-conversations-dev'), conversationsTableProperties],
] as [string, CreateTableCommandInput, PropertiesOf][])(
  'the table of the %s is as provision makes it',
  (_, definition, propertiesOf) => {
    const { TableName = '' } = definition
    const tables = resourcesOf<TableProperties>(data, 'AWS::DynamoDB::Table')
    const table = tables.find(({ Properties }) => Properties.TableName === TableName)
    expect(table).toMatchObject({ Properties: definition, DeletionPolicy: 'Retain' })
    const { GlobalSecondaryIndexes = [], ...more }: Partial<TableProperties> = table?.Properties ?? {}
    const made = [
      ...GlobalSecondaryIndexes.map(({ IndexName }) => `index ${IndexName}`),
      more.TimeToLiveSpecification && `expiry by ${more.TimeToLiveSpecification.AttributeName}`,
      more.DeletionProtectionEnabled && 'deletion protection',
      more.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled && 'point-in-time recovery',
    ]
    const needed = propertiesOf(DynamoDBDocumentClient.prototype, TableName, {} as Table)
    expect(made.filter(Boolean)).toEqual(needed.map(({ name }) => name))
  },
)

it('the bucket is as provision makes it', () => {
  expect(resourceOf(data, 'AWS::S3::Bucket')).toMatchObject({
    DeletionPolicy: 'Retain',
    Properties: {
      BucketName: loadConfig({}).aws.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
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
  const refusal = '{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"'
  expect(JSON.stringify(resourceOf(data, 'AWS::S3::BucketPolicy'))).toContain(refusal)
})

it('the secrets can be read by the program, and the key rotates every 90 days', () => {
  interface Generated {
    GenerateSecretString: { SecretStringTemplate: string; GenerateStringKey: string; PasswordLength: number }
  }
  const secrets = resourcesOf<Generated>(data, 'AWS::SecretsManager::Secret')
  const [keys, tokens] = secrets.map(({ Properties }) => Properties.GenerateSecretString)
  const key = 'f'.repeat(keys?.PasswordLength ?? 0)
  const first = { ...JSON.parse(keys?.SecretStringTemplate ?? ''), [keys?.GenerateStringKey ?? '']: key }
  expect(parseKeyDocument(JSON.stringify(first))).toMatchObject({ faults: [], apiKey: key })
  expect(key).toHaveLength(48)
  expect(tokens?.PasswordLength).toBeGreaterThanOrEqual(48)
  expect(resourceOf(data, 'AWS::SecretsManager::RotationSchedule').Properties).toMatchObject({
    RotationRules: { AutomaticallyAfterDays: 90 },
  })
})

describe.each([
  ['the Web Function', webFunction],
  ['the task of Fargate', fargate],
])('%s', (_, service) => {
  it('has the permissions of the policy file and no others', () => {
    interface Statement {
      Sid: string
      Action: string | string[]
    }
    type Policy = { PolicyDocument: { Statement: Statement[] } }
    const actionsOf = (statements: Statement[]) => statements.flatMap(({ Action }) => Action).sort()
    const file = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'deploy/iam-policy.json'), 'utf8'))
    const policies = resourcesOf<Policy>(service, 'AWS::IAM::Policy').map(({ Properties }) => Properties)
    const own = policies.find((policy) => JSON.stringify(policy).includes('bedrock:'))
    // Only Fargate's context names a secret with settings.
    const needed = file.Statement.filter(
      ({ Sid }: Statement) => Sid !== 'SettingsSecret' || service === fargate,
    )
    expect(actionsOf(own?.PolicyDocument.Statement ?? [])).toEqual(actionsOf(needed))
    expect(JSON.stringify(own).includes(':secret:settings-of-example-??????')).toBe(service === fargate)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what must have been filled in
    expect(JSON.stringify(own)).not.toContain('${Stage}')
  })

  it('is told settings of the program, which starts with them', () => {
    const names = tableRows('docs/settings.md', 'variable').flatMap(([variable]) => codesIn(variable))
    const environment = service === fargate ? ofContainer() : ofRevision()
    expect(Object.keys(environment).filter((name) => !names.includes(name))).toEqual([])
    const config = loadConfig({ ...environment, AWS_LAMBDA_HTTP_ENDPOINT: '0.0.0.0:3000' })
    expect(config).toMatchObject({ store: 'aws', emf: true, publicUrl: 'https://prompts.example.com' })
  })
})

interface Container {
  Environment: { Name: string; Value: string }[]
  StopTimeout: number
}

function container(): Container {
  const task = resourceOf<{ ContainerDefinitions: [Container] }>(fargate, 'AWS::ECS::TaskDefinition')
  return task.Properties.ContainerDefinitions[0]
}

function ofContainer(): Record<string, string> {
  return Object.fromEntries(container().Environment.map(({ Name, Value }) => [Name, Value]))
}

function ofRevision(): Record<string, string> {
  type Revision = { ServiceConfig: { EnvironmentVariables: Record<string, string> } }
  const { Properties } = resourceOf<Revision>(webFunction, 'AWS::Lambda::WebFunctionRevision')
  // CDK's, for Lambda: the file that is started.
  const { AWS_LAMBDA_NODEJS_ENTRYPOINT: entry, ...environment } =
    Properties.ServiceConfig.EnvironmentVariables
  expect(entry).toBe('deploy/web-function.js')
  return environment
}

it('tasks are told to stop after their calls, and have more time for it than the program takes', () => {
  const { shutdown, llm } = loadConfig({})
  expect(container().StopTimeout * 1000).toBeGreaterThan(shutdown.mostMs)
  type Group = { TargetGroupAttributes: { Key: string; Value: string }[] }
  const { Properties } = resourceOf<Group>(fargate, 'AWS::ElasticLoadBalancingV2::TargetGroup')
  const delay = Properties.TargetGroupAttributes.find(({ Key }) => Key.startsWith('deregistration_delay'))
  expect(Number(delay?.Value) * 1000).toBeGreaterThan(llm.timeoutMs)
})

it('the new revision has the share that the context says, and the one before the rest', () => {
  type Endpoint = { RevisionWeights: unknown }
  const { Properties } = resourceOf<Endpoint>(webFunction, 'AWS::Lambda::WebFunctionEndpoint')
  expect(Properties.RevisionWeights).toEqual([
    { RevisionId: { 'Fn::GetAtt': [expect.stringContaining('Revision'), 'RevisionId'] }, Weight: 10 },
    { RevisionId: 'earlier', Weight: 90 },
  ])
})
