import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { LIMIT_KEY, limitsTable } from '../../dynamodb/limits-table.ts'
import type { Part } from '../provision/parts.ts'
import { dynamoTable, type Table } from '../provision/table.ts'
import { limitsTableParts, topicsTable, topicsTableParts } from '../provision/tables.ts'
import { type AwsClients, type Resource, type ResourceNames, resourcesOf } from '../resources.ts'
import { type Check, capital, checkParts, fail, ok, PROVISION } from './checks.ts'

/** A key that no item has. */
const NOBODY = '#doctor'
const NO_PATIENCE = { patienceMs: 0, waiting: () => {} }

export function checkTopicsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { table: TableName } = names
  const read = async ({ call }: Table) => {
    const get = new GetCommand({ TableName, Key: { topic_id: NOBODY }, ConsistentRead: true })
    await call('dynamodb:GetItem', (options) => dynamodb.send(get, options))
    const scan = new ScanCommand({ TableName, Limit: 1 })
    await call('dynamodb:Scan', (options) => dynamodb.send(scan, options))
  }
  return checkTable(dynamodb, topicsTable(TableName), resourcesOf(names).table, read, (table) =>
    topicsTableParts(dynamodb, TableName, table),
  )
}

export function checkLimitsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { limitsTable: TableName } = names
  const read = async ({ call }: Table) => {
    const get = new GetCommand({ TableName, Key: { [LIMIT_KEY]: NOBODY } })
    await call('dynamodb:GetItem', (options) => dynamodb.send(get, options))
  }
  return checkTable(dynamodb, limitsTable(TableName), resourcesOf(names).limitsTable, read, (table) =>
    limitsTableParts(dynamodb, TableName, table),
  )
}

async function checkTable(
  dynamodb: AwsClients['dynamodb'],
  definition: CreateTableCommandInput,
  place: Resource,
  read: (table: Table) => Promise<void>,
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
  await read(table)
  const indexes = (found.GlobalSecondaryIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== 'ACTIVE')
  const building = indexes.map(({ IndexName }) => `, its index ${IndexName} is still being made`).join('')
  return [
    ok(`${name} is ${found.TableStatus} and can be read${building}`),
    ...(await checkParts(place.resource, partsOf(table))),
  ]
}
