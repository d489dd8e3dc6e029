import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { accountOf } from '../../../adapters/aws/account.ts'
import {
  type AwsClients,
  type Resource,
  type ResourceNames,
  resourcesOf,
} from '../../../adapters/aws/resources.ts'
import { limitsTable } from '../../../adapters/dynamodb/limits-table.ts'
import { bucketParts, createBucket } from './bucket.ts'
import { completeParts, type Part, type Report } from './properties.ts'
import { apiKeySecret, jwtSecret, provisionSecret } from './secrets.ts'
import { dynamoTable, type Patience, type Table } from './table.ts'
import { limitsTableParts, topicsTable, topicsTableParts } from './tables.ts'

export interface ProvisionOptions extends Patience {
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
 * @throws AppError at the first thing that cannot be done: `conflict` when something foreign is in the way.
 */
export async function provision(options: ProvisionOptions): Promise<void> {
  const { names, clients, stage, report } = options
  const { dynamodb, s3, secrets } = clients
  const places = resourcesOf(names)

  async function provisionTable(
    definition: CreateTableCommandInput,
    place: Resource,
    partsOf: (table: Table) => Part[],
  ): Promise<void> {
    const table = dynamoTable(dynamodb, definition, place, options)
    const isNew = await table.create()
    await table.untilActive()
    report({ resource: table.resource, outcome: isNew ? 'created' : 'already there' })
    await completeParts(table.resource, partsOf(table), isNew, report)
  }

  async function provisionBucket(): Promise<void> {
    const { partition, id } = await accountOf(dynamodb, names.table)()
    const target = { Bucket: names.bucket, ExpectedBucketOwner: id }
    const { resource } = places.bucket
    const { isNew, endpoint } = await createBucket(s3, target, places.bucket)
    report({ resource, outcome: isNew ? 'created' : 'already there' })
    const parts = bucketParts(s3, target, places.bucket, { partition, endpoint })
    await completeParts(resource, parts, isNew, report)
  }

  await provisionTable(topicsTable(names.table), places.table, (table) =>
    topicsTableParts(dynamodb, names.table, table),
  )
  await provisionTable(limitsTable(names.limitsTable), places.limitsTable, (table) =>
    limitsTableParts(dynamodb, names.limitsTable, table),
  )
  await provisionBucket()
  for (const [place, secret] of [
    [places.apiKeySecret, apiKeySecret(names.apiKeySecret, stage)],
    [places.jwtSecret, jwtSecret(names.jwtSecret)],
  ] as const) {
    report({ resource: place.resource, outcome: await provisionSecret(secrets, secret, place) })
  }
}
