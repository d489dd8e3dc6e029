import {
  type CreateTableCommandInput,
  DescribeContinuousBackupsCommand,
  DescribeTimeToLiveCommand,
  type GlobalSecondaryIndex,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { LIMITS_TTL_ATTRIBUTE } from '../../../adapters/dynamodb/limits-table.ts'
import { AppError } from '../../../domain/errors.ts'
import { NotApplicable, type Property } from './properties.ts'
import { keyIn, type Table } from './table.ts'

const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const })
const ATTRIBUTES = [
  text('topic_id'),
  text('topic_type'),
  text('category'),
  { AttributeName: 'display_order', AttributeType: 'N' as const },
]

/** For other readers of the table: this program answers lists from its memory. */
const INDEXES = [orderedBy('type-index', 'topic_type'), orderedBy('category-index', 'category')]

function orderedBy(IndexName: string, AttributeName: string) {
  return {
    IndexName,
    KeySchema: [
      { AttributeName, KeyType: 'HASH' as const },
      { AttributeName: 'display_order', KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'ALL' as const },
  }
}

/** The table of the topics, whole. Point-in-time recovery is switched on by a call of its own once it is active. */
export function topicsTable(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ATTRIBUTES,
    KeySchema: [{ AttributeName: 'topic_id', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: INDEXES,
    DeletionProtectionEnabled: true,
  }
}

export function topicsTableProperties(
  dynamodb: DynamoDBDocumentClient,
  TableName: string,
  table: Table,
): Property[] {
  return [
    ...INDEXES.map((index) => indexProperty(table, index)),
    protectionProperty(table),
    recoveryProperty(),
  ]

  function recoveryProperty(): Property {
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
}

function indexProperty(table: Table, index: (typeof INDEXES)[number]): Property {
  const { IndexName } = index
  const isOurs = ({ IndexName: name }: { IndexName?: string }) => name === IndexName
  const needed = keyIn(index.KeySchema, ATTRIBUTES)

  return {
    name: `index ${IndexName}`,
    action: 'dynamodb:DescribeTable',
    async exists() {
      const found = await table.describe()
      const there = found?.GlobalSecondaryIndexes?.find(isOurs)
      if (!there || there.IndexStatus === 'DELETING') return false
      const isWhole = there.Projection?.ProjectionType === 'ALL'
      if (isWhole && keyIn(there.KeySchema, found?.AttributeDefinitions) === needed) return true
      const message = `${table.resource} has another index ${IndexName}: ${needed} with all attributes is needed. Delete it and run "purposepath-prompts provision" again.`
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
          AttributeDefinitions: ATTRIBUTES.filter(({ AttributeName }) => keys.includes(AttributeName)),
          GlobalSecondaryIndexUpdates: [{ Create }],
        }),
      )
      await table.waitUntilActive(({ GlobalSecondaryIndexes = [] }) => GlobalSecondaryIndexes.some(isOurs))
    },
  }
}

function protectionProperty(table: Table): Property {
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

export function limitsTableProperties(
  dynamodb: DynamoDBDocumentClient,
  TableName: string,
  table: Table,
): Property[] {
  const look = new DescribeTimeToLiveCommand({ TableName })
  const TimeToLiveSpecification = { AttributeName: LIMITS_TTL_ATTRIBUTE, Enabled: true }
  const switchOn = new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })
  const action = 'dynamodb:DescribeTimeToLive'
  return [
    {
      name: `expiry by ${LIMITS_TTL_ATTRIBUTE}`,
      action,
      async exists() {
        const answer = await table.call(action, (options) => dynamodb.send(look, options))
        const { TimeToLiveStatus: status = '', AttributeName: name } = answer.TimeToLiveDescription ?? {}
        if (!/^ENABL(ED|ING)$/.test(status)) return false
        if (name === LIMITS_TTL_ATTRIBUTE) return true
        const message = `${table.resource} lets items expire by ${name} where ${LIMITS_TTL_ATTRIBUTE} is needed. Switch that off and run "purposepath-prompts provision" again, or choose another name with PROMPTS_LIMITS_TABLE.`
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
    },
  ]
}
