import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { dynamoClient, s3Client } from '../../src/adapters/aws/resources.ts'
import { awsStore } from '../../src/adapters/aws/store.ts'
import { type AwsParts, freshNames } from '../stand-ins/aws.ts'
import { createTable } from './limits-table.ts'

/** How soon the stores of these tests notice what others do. */
export const FRESHNESS_MS = 400

export interface Place {
  parts: Pick<AwsParts, 'dynamodb' | 's3' | 'region' | 'credentials'>
  table: string
  bucket: string
}

/** A new table and a new bucket, the bare ones: without the indexes and rules that only others use. */
export async function freshPlace(parts: AwsParts, { versioned = true } = {}): Promise<Place> {
  const { table, bucket } = freshNames()
  const { dynamodb, s3 } = clientsOf(parts)
  await createTable(dynamodb, {
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'topic_id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'topic_id', KeyType: 'HASH' }],
  })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const place = { parts, table, bucket }
  if (versioned) await keepVersions(place)
  return place
}

export async function keepVersions({ parts, bucket }: Place): Promise<void> {
  const VersioningConfiguration = { Status: 'Enabled' } as const
  const command = new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration })
  await clientsOf(parts).s3.send(command)
}

function clientsOf({ region, credentials, dynamodb, s3 }: Place['parts']) {
  return {
    dynamodb: dynamoClient({ region, credentials, endpoint: dynamodb }),
    s3: s3Client({ region, credentials, endpoint: s3, forcePathStyle: true }),
  }
}

/** The store at a place, as an instance that has just been started sees it. */
export function openAws(
  { parts, table, bucket }: Place,
  options: { freshnessMs?: number; reconcileMs?: number; warn?: (message: string) => void } = {},
) {
  const { freshnessMs = FRESHNESS_MS, reconcileMs = 60_000, warn = () => {} } = options
  const owner = async () => undefined
  const clients = clientsOf(parts)
  return {
    ...clients,
    ...awsStore({ ...clients, table, bucket, owner, freshnessMs, reconcileMs, warn }),
  }
}
