import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { DeleteCommand, GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import {
  type AwsClients,
  type Resource,
  type ResourceNames,
  resourcesOf,
} from '../../../adapters/aws/resources.ts'
import { LIMIT_KEY, limitsTable } from '../../../adapters/dynamodb/limits-table.ts'
import { type Check, fail, ok } from '../../check.ts'
import type { Property } from '../provision/properties.ts'
import { dynamoTable, type Table } from '../provision/table.ts'
import { limitsTableProperties, topicsTable, topicsTableProperties } from '../provision/tables.ts'
import { CONDITION_FAILED, capital, checkProperties, PROVISION, type Probe, probeOn } from './checks.ts'

/** The key of no item. */
const PROBE_KEY = '#doctor'
/** A condition that cannot hold: a write that may be made is refused for it, and changes nothing. */
const IMPOSSIBLE = 'attribute_exists(no_item_has_this)'
const NO_WAIT = { maxWaitMs: 0, onWait: () => {} }

export function checkTopicsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { table: TableName } = names
  const one = { TableName, Key: { topic_id: PROBE_KEY } }
  const get = new GetCommand({ ...one, ConsistentRead: true })
  const scan = new ScanCommand({ TableName, Limit: 1 })
  const put = new PutCommand({ TableName, Item: one.Key, ConditionExpression: IMPOSSIBLE })
  const update = new UpdateCommand({ ...one, ConditionExpression: IMPOSSIBLE })
  const probeAll = (attempt: Probe) => [
    attempt('dynamodb:GetItem', (options) => dynamodb.send(get, options)),
    attempt('dynamodb:Scan', (options) => dynamodb.send(scan, options)),
    attempt('dynamodb:PutItem', (options) => dynamodb.send(put, options), CONDITION_FAILED),
    attempt('dynamodb:UpdateItem', (options) => dynamodb.send(update, options), CONDITION_FAILED),
  ]
  return checkTable(dynamodb, topicsTable(TableName), resourcesOf(names).table, probeAll, (table) =>
    topicsTableProperties(dynamodb, TableName, table),
  )
}

export function checkLimitsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { limitsTable: TableName } = names
  const one = { TableName, Key: { [LIMIT_KEY]: PROBE_KEY } }
  const get = new GetCommand(one)
  const put = new PutCommand({ TableName, Item: one.Key, ConditionExpression: IMPOSSIBLE })
  const update = new UpdateCommand({ ...one, ConditionExpression: IMPOSSIBLE })
  const remove = new DeleteCommand({ ...one, ConditionExpression: IMPOSSIBLE })
  const probeAll = (attempt: Probe) => [
    attempt('dynamodb:GetItem', (options) => dynamodb.send(get, options)),
    attempt('dynamodb:PutItem', (options) => dynamodb.send(put, options), CONDITION_FAILED),
    attempt('dynamodb:UpdateItem', (options) => dynamodb.send(update, options), CONDITION_FAILED),
    attempt('dynamodb:DeleteItem', (options) => dynamodb.send(remove, options), CONDITION_FAILED),
  ]
  return checkTable(dynamodb, limitsTable(TableName), resourcesOf(names).limitsTable, probeAll, (table) =>
    limitsTableProperties(dynamodb, TableName, table),
  )
}

async function checkTable(
  dynamodb: AwsClients['dynamodb'],
  definition: CreateTableCommandInput,
  awsResource: Resource,
  probeAll: (attempt: Probe) => Promise<unknown>[],
  propertiesOf: (table: Table) => Property[],
): Promise<Check[]> {
  const table = dynamoTable(dynamodb, definition, awsResource, NO_WAIT)
  const found = await table.describe()
  const name = capital(awsResource.resource)
  if (!found) {
    const text = `${name} does not exist in this account and region. ${PROVISION}, or check ${awsResource.setting}, STAGE and AWS_REGION.`
    return [fail(text)]
  }
  // A table that is being changed works as before.
  if (!/^(ACTIVE|UPDATING)$/.test(found.TableStatus ?? '')) {
    return [fail(`${name} is in state ${found.TableStatus}. It must become ACTIVE.`)]
  }
  const failures: Check[] = []
  await Promise.all(probeAll(probeOn(awsResource, failures)))
  if (failures.length > 0) return failures
  const indexes = (found.GlobalSecondaryIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== 'ACTIVE')
  const building = indexes.map(({ IndexName }) => `, its index ${IndexName} is still being made`).join('')
  return [
    ok(`${name} is ${found.TableStatus} and can be read and written${building}`),
    ...(await checkProperties(awsResource.resource, propertiesOf(table))),
  ]
}
