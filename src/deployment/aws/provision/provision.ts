import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { accountOf } from '../../../adapters/aws/account.ts'
import {
  type AwsClients,
  type Resource,
  type ResourceNames,
  resourcesOf,
} from '../../../adapters/aws/resources.ts'
import { conversationsTable } from '../../../adapters/dynamodb/conversations-table.ts'
import { limitsTable } from '../../../adapters/dynamodb/limits-table.ts'
import { topicsTable } from '../../../adapters/dynamodb/topics-table.ts'
import { bucketProperties, createBucket } from './bucket.ts'
import { applyProperties, type Report } from './properties.ts'
import { apiKeySecret, jwtSecret, provisionSecret } from './secrets.ts'
import { dynamoTable, type WaitOptions } from './table.ts'
import {
  conversationsTableProperties,
  limitsTableProperties,
  type PropertiesOf,
  topicsTableProperties,
} from './tables.ts'

export interface ProvisionOptions extends WaitOptions {
  names: ResourceNames
  clients: AwsClients
  /** Part of the first API key. */
  stage: string
  /** Called with each thing as soon as it is made or found. */
  report: Report
}

/**
 * Makes what a deployment needs, or completes what is there. Whatever a run that was cut short has left, the next one
 * goes on from it.
 *
 * @throws AppError at the first thing that cannot be done: `conflict` when something else is in the way.
 */
export async function provision(options: ProvisionOptions): Promise<void> {
  const { names, clients, stage, report } = options
  const { dynamodb, s3, secrets } = clients
  const resources = resourcesOf(names)

  async function provisionTable(
    definition: CreateTableCommandInput,
    awsResource: Resource,
    propertiesOf: PropertiesOf,
  ): Promise<void> {
    const { TableName = '' } = definition
    const table = dynamoTable(dynamodb, definition, awsResource, options)
    const isNew = await table.create()
    await table.waitUntilActive()
    report({ resource: table.resource, outcome: isNew ? 'created' : 'already there' })
    await applyProperties(table.resource, propertiesOf(dynamodb, TableName, table), isNew, report)
  }

  async function provisionBucket(): Promise<void> {
    const { partition, id } = await accountOf(dynamodb, names.table)()
    const target = { Bucket: names.bucket, ExpectedBucketOwner: id }
    const { resource } = resources.bucket
    const { isNew, endpoint } = await createBucket(s3, target, resources.bucket)
    report({ resource, outcome: isNew ? 'created' : 'already there' })
    const properties = bucketProperties(s3, target, resources.bucket, { partition, endpoint })
    await applyProperties(resource, properties, isNew, report)
  }

  await provisionTable(topicsTable(names.table), resources.table, topicsTableProperties)
  await provisionTable(limitsTable(names.limitsTable), resources.limitsTable, limitsTableProperties)
  await provisionTable(
    conversationsTable(names.conversationsTable),
    resources.conversationsTable,
    conversationsTableProperties,
  )
  await provisionBucket()
  for (const [awsResource, secret] of [
    [resources.apiKeySecret, apiKeySecret(names.apiKeySecret, stage)],
    [resources.jwtSecret, jwtSecret(names.jwtSecret)],
  ] as const) {
    report({ resource: awsResource.resource, outcome: await provisionSecret(secrets, secret, awsResource) })
  }
}
