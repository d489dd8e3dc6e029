import {
  type AttributeDefinition,
  DescribeContinuousBackupsCommand,
  DescribeTimeToLiveCommand,
  type GlobalSecondaryIndex,
  type KeySchemaElement,
  type Projection,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { AppError } from '../../../domain/errors.ts'
import { NotApplicable, type Property } from './properties.ts'
import { keyIn, type Table } from './table.ts'

/** An index of a table, whole. */
export interface TableIndex {
  IndexName: string
  KeySchema: KeySchemaElement[]
  Projection: Projection
}

/** @param attributes the definitions of all attributes that are part of a key. */
export function indexProperty(
  table: Table,
  index: TableIndex,
  attributes: readonly AttributeDefinition[],
): Property {
  const { IndexName } = index
  const isOurs = ({ IndexName: name }: { IndexName?: string | undefined }) => name === IndexName
  const needed = indexInWords(index, attributes)

  return {
    name: `index ${IndexName}`,
    action: 'dynamodb:DescribeTable',
    async exists() {
      const found = await table.describe()
      const there = found?.GlobalSecondaryIndexes?.find(isOurs)
      if (!there || there.IndexStatus === 'DELETING') return false
      if (indexInWords(there, found?.AttributeDefinitions) === needed) return true
      const message = `${table.resource} has another index ${IndexName}: ${needed} is needed. Delete it and run "purposepath-prompts provision" again.`
      throw new AppError('conflict', message)
    },
    // DynamoDB makes one index of a table at a time.
    async apply() {
      const { BillingModeSummary, ProvisionedThroughput } = await table.waitUntilActive()
      const isOnDemand = BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST'
      const { ReadCapacityUnits, WriteCapacityUnits } = ProvisionedThroughput ?? {}
      const throughput = !isOnDemand && { ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits } }
      const Create: GlobalSecondaryIndex = { ...index, ...throughput }
      const keys = index.KeySchema.map(({ AttributeName }) => AttributeName)
      await table.whenIdle(() =>
        table.update({
          AttributeDefinitions: attributes.filter(({ AttributeName }) => keys.includes(AttributeName)),
          GlobalSecondaryIndexUpdates: [{ Create }],
        }),
      )
      await table.waitUntilActive(({ GlobalSecondaryIndexes = [] }) => GlobalSecondaryIndexes.some(isOurs))
    },
  }
}

/** An index in words that can be compared: `topic_type (S), display_order (N) with all attributes`. */
function indexInWords(
  { KeySchema, Projection }: Partial<Pick<TableIndex, 'KeySchema' | 'Projection'>>,
  attributes: readonly AttributeDefinition[] = [],
): string {
  const { ProjectionType, NonKeyAttributes = [] } = Projection ?? {}
  const projected =
    ProjectionType === 'ALL' ? 'all attributes' : `only ${[...NonKeyAttributes].sort().join(', ')}`
  return `${keyIn(KeySchema, [...attributes])} with ${projected}`
}

export function protectionProperty(table: Table): Property {
  return {
    name: 'deletion protection',
    action: 'dynamodb:DescribeTable',
    exists: async () => (await table.describe())?.DeletionProtectionEnabled === true,
    async apply() {
      await table.waitUntilActive()
      const updated = await table.whenIdle(() => table.update({ DeletionProtectionEnabled: true }))
      if (!updated.DeletionProtectionEnabled) throw new NotApplicable('this endpoint ignores it')
      await table.waitUntilActive()
    },
  }
}

export function recoveryProperty(
  dynamodb: DynamoDBDocumentClient,
  TableName: string,
  table: Table,
): Property {
  const look = new DescribeContinuousBackupsCommand({ TableName })
  const switchOn = new UpdateContinuousBackupsCommand({
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  })
  const action = 'dynamodb:DescribeContinuousBackups'
  return {
    name: 'point-in-time recovery',
    action,
    async exists() {
      const answer = await table.call(action, (options) => dynamodb.send(look, options))
      const { PointInTimeRecoveryDescription: recovery } = answer.ContinuousBackupsDescription ?? {}
      return recovery?.PointInTimeRecoveryStatus === 'ENABLED'
    },
    apply: () =>
      table.whenIdle(() =>
        table.call(
          'dynamodb:UpdateContinuousBackups',
          (options) => dynamodb.send(switchOn, options),
          WRITE_BUDGET_MS,
        ),
      ),
  }
}

/** @param attribute when an item may be deleted, in epoch seconds. */
export function expiryProperty(
  dynamodb: DynamoDBDocumentClient,
  TableName: string,
  table: Table,
  attribute: string,
): Property {
  const look = new DescribeTimeToLiveCommand({ TableName })
  const TimeToLiveSpecification = { AttributeName: attribute, Enabled: true }
  const switchOn = new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })
  const action = 'dynamodb:DescribeTimeToLive'
  return {
    name: `expiry by ${attribute}`,
    action,
    async exists() {
      const answer = await table.call(action, (options) => dynamodb.send(look, options))
      const { TimeToLiveStatus: status = '', AttributeName: name } = answer.TimeToLiveDescription ?? {}
      if (!/^ENABL(ED|ING)$/.test(status)) return false
      if (name === attribute) return true
      const message = `${table.resource} lets items expire by ${name} where ${attribute} is needed. Switch that off and run "purposepath-prompts provision" again, or choose another name with ${table.setting}.`
      throw new AppError('conflict', message)
    },
    apply: () =>
      table.whenIdle(() =>
        table.call(
          'dynamodb:UpdateTimeToLive',
          (options) => dynamodb.send(switchOn, options),
          WRITE_BUDGET_MS,
        ),
      ),
  }
}
