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
import type { Part } from '../provision/properties.ts'
import { dynamoTable, type Table } from '../provision/table.ts'
import { limitsTableParts, topicsTable, topicsTableParts } from '../provision/tables.ts'
import { capital, checkParts, PROVISION, REFUSED, type Try, triesOn } from './checks.ts'

/** A key that no item has. */
const NOBODY = '#doctor'
/** A condition that cannot hold: a write that may be made is refused for it, and changes nothing. */
const NEVER = 'attribute_exists(no_item_has_this)'
const NO_PATIENCE = { patienceMs: 0, waiting: () => {} }

export function checkTopicsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { table: TableName } = names
  const one = { TableName, Key: { topic_id: NOBODY } }
  const get = new GetCommand({ ...one, ConsistentRead: true })
  const scan = new ScanCommand({ TableName, Limit: 1 })
  const put = new PutCommand({ TableName, Item: one.Key, ConditionExpression: NEVER })
  const update = new UpdateCommand({ ...one, ConditionExpression: NEVER })
  const tryAll = (attempt: Try) => [
    attempt('dynamodb:GetItem', (options) => dynamodb.send(get, options)),
    attempt('dynamodb:Scan', (options) => dynamodb.send(scan, options)),
    attempt('dynamodb:PutItem', (options) => dynamodb.send(put, options), REFUSED),
    attempt('dynamodb:UpdateItem', (options) => dynamodb.send(update, options), REFUSED),
  ]
  return checkTable(dynamodb, topicsTable(TableName), resourcesOf(names).table, tryAll, (table) =>
    topicsTableParts(dynamodb, TableName, table),
  )
}

export function checkLimitsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { limitsTable: TableName } = names
  const one = { TableName, Key: { [LIMIT_KEY]: NOBODY } }
  const get = new GetCommand(one)
  const put = new PutCommand({ TableName, Item: one.Key, ConditionExpression: NEVER })
  const update = new UpdateCommand({ ...one, ConditionExpression: NEVER })
  const remove = new DeleteCommand({ ...one, ConditionExpression: NEVER })
  const tryAll = (attempt: Try) => [
    attempt('dynamodb:GetItem', (options) => dynamodb.send(get, options)),
    attempt('dynamodb:PutItem', (options) => dynamodb.send(put, options), REFUSED),
    attempt('dynamodb:UpdateItem', (options) => dynamodb.send(update, options), REFUSED),
    attempt('dynamodb:DeleteItem', (options) => dynamodb.send(remove, options), REFUSED),
  ]
  return checkTable(dynamodb, limitsTable(TableName), resourcesOf(names).limitsTable, tryAll, (table) =>
    limitsTableParts(dynamodb, TableName, table),
  )
}

async function checkTable(
  dynamodb: AwsClients['dynamodb'],
  definition: CreateTableCommandInput,
  place: Resource,
  tryAll: (attempt: Try) => Promise<unknown>[],
  partsOf: (table: Table) => Part[],
): Promise<Check[]> {
  const table = dynamoTable(dynamodb, definition, place, NO_PATIENCE)
  const found = await table.describe()
  const name = capital(place.resource)
  if (!found) {
    const text = `${name} does not exist in this account and region. ${PROVISION}, or check ${place.setting}, STAGE and AWS_REGION.`
    return [fail(text)]
  }
  // A table that is being changed works as before.
  if (!/^(ACTIVE|UPDATING)$/.test(found.TableStatus ?? '')) {
    return [fail(`${name} is in state ${found.TableStatus}. It must become ACTIVE.`)]
  }
  const failures: Check[] = []
  await Promise.all(tryAll(triesOn(place, failures)))
  if (failures.length > 0) return failures
  const indexes = (found.GlobalSecondaryIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== 'ACTIVE')
  const building = indexes.map(({ IndexName }) => `, its index ${IndexName} is still being made`).join('')
  return [
    ok(`${name} is ${found.TableStatus} and can be read and written${building}`),
    ...(await checkParts(place.resource, partsOf(table))),
  ]
}
