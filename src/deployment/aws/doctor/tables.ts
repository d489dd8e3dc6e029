import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import {
  type AwsClients,
  type Resource,
  type ResourceNames,
  resourcesOf,
} from '../../../adapters/aws/resources.ts'
import { conversationsTable, OWNER_INDEX } from '../../../adapters/dynamodb/conversations-table.ts'
import { LIMIT_KEY, limitsTable } from '../../../adapters/dynamodb/limits-table.ts'
import { topicsTable } from '../../../adapters/dynamodb/topics-table.ts'
import { type Check, fail, ok } from '../../check.ts'
import { dynamoTable } from '../provision/table.ts'
import {
  conversationsTableProperties,
  limitsTableProperties,
  type PropertiesOf,
  topicsTableProperties,
} from '../provision/tables.ts'
import { CONDITION_FAILED, capital, checkProperties, PROVISION, type Probe, probeOn } from './checks.ts'

/** The key of no item. */
const PROBE_KEY = '#doctor'
/** A condition that cannot hold: a write that may be made is refused for it, and changes nothing. */
const IMPOSSIBLE = 'attribute_exists(no_item_has_this)'
/** The failure of a query of an index that is not there; that is told of with the other properties. */
const NO_INDEX = 'ValidationException'
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
  const { table } = resourcesOf(names)
  return checkTable(dynamodb, topicsTable(TableName), table, probeAll, topicsTableProperties)
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
  const table = resourcesOf(names).limitsTable
  return checkTable(dynamodb, limitsTable(TableName), table, probeAll, limitsTableProperties)
}

export function checkConversationsTable({ dynamodb }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const { conversationsTable: TableName } = names
  const one = { TableName, Key: { conversation: PROBE_KEY, part: PROBE_KEY } }
  const query = new QueryCommand({
    TableName,
    KeyConditionExpression: 'conversation = :none',
    ExpressionAttributeValues: { ':none': PROBE_KEY },
  })
  const list = new QueryCommand({
    TableName,
    IndexName: OWNER_INDEX.IndexName,
    KeyConditionExpression: '#owner = :none',
    ExpressionAttributeNames: { '#owner': 'owner' },
    ExpressionAttributeValues: { ':none': PROBE_KEY },
  })
  const get = new GetCommand(one)
  const put = new PutCommand({ TableName, Item: one.Key, ConditionExpression: IMPOSSIBLE })
  const update = new UpdateCommand({ ...one, ConditionExpression: IMPOSSIBLE })
  const remove = new DeleteCommand({ ...one, ConditionExpression: IMPOSSIBLE })
  const table = resourcesOf(names).conversationsTable
  const probeAll = (attempt: Probe, ofIndex: Probe) => [
    attempt('dynamodb:Query', (options) => dynamodb.send(query, options)),
    ofIndex('dynamodb:Query', (options) => dynamodb.send(list, options), NO_INDEX),
    attempt('dynamodb:GetItem', (options) => dynamodb.send(get, options)),
    attempt('dynamodb:PutItem', (options) => dynamodb.send(put, options), CONDITION_FAILED),
    attempt('dynamodb:UpdateItem', (options) => dynamodb.send(update, options), CONDITION_FAILED),
    attempt('dynamodb:DeleteItem', (options) => dynamodb.send(remove, options), CONDITION_FAILED),
  ]
  return checkTable(dynamodb, conversationsTable(TableName), table, probeAll, conversationsTableProperties)
}

async function checkTable(
  dynamodb: AwsClients['dynamodb'],
  definition: CreateTableCommandInput,
  awsResource: Resource,
  probeAll: (attempt: Probe, ofIndex: Probe) => Promise<unknown>[],
  propertiesOf: PropertiesOf,
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
  const ofIndexes = { ...awsResource, resource: `indexes of ${awsResource.resource}` }
  await Promise.all(probeAll(probeOn(awsResource, failures), probeOn(ofIndexes, failures)))
  if (failures.length > 0) return failures
  const indexes = (found.GlobalSecondaryIndexes ?? []).filter(({ IndexStatus }) => IndexStatus !== 'ACTIVE')
  const building = indexes.map(({ IndexName }) => `, its index ${IndexName} is still being made`).join('')
  return [
    ok(`${name} is ${found.TableStatus} and can be read and written${building}`),
    ...(await checkProperties(
      awsResource.resource,
      propertiesOf(dynamodb, definition.TableName ?? '', table),
    )),
  ]
}
