import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AttributeDefinition,
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type KeySchemaElement,
  type TableDescription,
  UpdateTableCommand,
  type UpdateTableCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { causeOf, WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { type Call, callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { AppError } from '../../../domain/errors.ts'
import { type BackoffOptions, backoffMs } from '../../../util/time.ts'
import { ensure } from './properties.ts'

/** How DynamoDB says that it is still busy with an earlier change of the table. */
const BUSY =
  /^(ResourceInUseException|LimitExceededException|TableInUseException|ContinuousBackupsUnavailableException)$/
const PAUSES: BackoffOptions = { firstMs: 50, mostMs: 3_000 }
/** A user notices a pause from here on. */
const NOTICED_MS = 1_000

/** How to wait for changes of a table, which take minutes when it holds much. */
export interface WaitOptions {
  maxWaitMs: number
  /** Called with what is waited for, once for each wait that a user notices. */
  onWait: (what: string) => void
}

/** One DynamoDB table. */
export interface Table extends Resource {
  call: Call
  /** The table as it is now; `undefined` if there is none. @throws AppError `conflict` when its key is another. */
  describe(): Promise<TableDescription | undefined>
  /** @returns whether it had to be made. */
  create(): Promise<boolean>
  update(changes: Omit<UpdateTableCommandInput, 'TableName'>): Promise<TableDescription>
  /** Makes a change as soon as the table is not busy with another one. */
  whenIdle<T>(change: () => Promise<T>): Promise<T>
  /**
   * Waits until the table and all its indexes can be used.
   *
   * @throws AppError `unavailable` when that takes too long, or never comes.
   */
  waitUntilActive(isComplete?: (table: TableDescription) => boolean): Promise<TableDescription>
}

export function dynamoTable(
  dynamodb: DynamoDBDocumentClient,
  definition: CreateTableCommandInput,
  awsResource: Resource,
  options: WaitOptions,
): Table {
  const { resource, setting } = awsResource
  const { TableName } = definition
  const call = callsOn(awsResource)

  async function describe(): Promise<TableDescription | undefined> {
    const look = new DescribeTableCommand({ TableName })
    try {
      const { Table } = await call('dynamodb:DescribeTable', (options) => dynamodb.send(look, options))
      if (Table) refuseOtherKey(Table)
      return Table
    } catch (error) {
      if (causeOf(error) === 'ResourceNotFoundException') return undefined
      throw error
    }
  }

  function refuseOtherKey(table: TableDescription): void {
    const needed = keyIn(definition.KeySchema, definition.AttributeDefinitions)
    const found = keyIn(table.KeySchema, table.AttributeDefinitions)
    if (found === needed) return
    const message = `${resource} has the key ${found} where ${needed} is needed: it belongs to another program. Choose another name with ${setting}.`
    throw new AppError('conflict', message)
  }

  const create = () =>
    ensure(
      async () => (await describe()) !== undefined,
      () =>
        call(
          'dynamodb:CreateTable',
          (options) => dynamodb.send(new CreateTableCommand(definition), options),
          WRITE_BUDGET_MS,
        ),
    )

  async function update(changes: Omit<UpdateTableCommandInput, 'TableName'>): Promise<TableDescription> {
    const command = new UpdateTableCommand({ TableName, ...changes })
    const send = (options: { abortSignal: AbortSignal }) => dynamodb.send(command, options)
    const { TableDescription = {} } = await call('dynamodb:UpdateTable', send, WRITE_BUDGET_MS)
    return TableDescription
  }

  async function waitUntilActive(isComplete: (table: TableDescription) => boolean = () => true) {
    let state = 'does not show yet'
    return waitFor(
      async () => {
        const table = await describe()
        if (!table) return undefined
        const indexes = table.GlobalSecondaryIndexes ?? []
        const busy = indexes.find(({ IndexStatus }) => IndexStatus !== 'ACTIVE')
        state = busy ? `has its index ${busy.IndexName} in state ${busy.IndexStatus}` : stateOf(table)
        if (!/^(ACTIVE|CREATING|UPDATING)$/.test(table.TableStatus ?? '')) {
          throw new AppError('unavailable', `${resource} ${stateOf(table)} and cannot be used.`)
        }
        return table.TableStatus === 'ACTIVE' && !busy && isComplete(table) ? table : undefined
      },
      () => `${resource} ${state}`,
      options,
    )
  }

  async function whenIdle<T>(change: () => Promise<T>): Promise<T> {
    const { made } = await waitFor(
      async () => {
        try {
          return { made: await change() }
        } catch (error) {
          if (BUSY.test(causeOf(error) ?? '')) return undefined
          throw error
        }
      },
      () => `${resource} is busy with an earlier change`,
      options,
    )
    return made
  }

  return { resource, setting, call, describe, create, update, whenIdle, waitUntilActive }
}

/**
 * Looks again and again until there is an answer.
 *
 * @throws AppError `unavailable` when that takes too long.
 */
async function waitFor<T>(
  look: () => Promise<T | undefined>,
  what: () => string,
  { maxWaitMs, onWait }: WaitOptions,
): Promise<T> {
  const giveUpAt = Date.now() + maxWaitMs
  let isAnnounced = false
  for (let looks = 1; ; looks++) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > giveUpAt) {
      const message = `${what()}. Run "purposepath-prompts provision" again later: it goes on where it stopped.`
      throw new AppError('unavailable', message)
    }
    const pauseMs = backoffMs(PAUSES, looks)
    if (pauseMs >= NOTICED_MS && !isAnnounced) {
      isAnnounced = true
      onWait(what())
    }
    await sleep(pauseMs)
  }
}

const stateOf = ({ TableStatus }: TableDescription) => `is in state ${TableStatus}`

/** A key in words that can be compared: `topic_type (S), display_order (N)`. */
export function keyIn(schema: KeySchemaElement[] = [], attributes: AttributeDefinition[] = []): string {
  const typeOf = (name?: string) =>
    attributes.find(({ AttributeName }) => AttributeName === name)?.AttributeType
  return schema.map(({ AttributeName }) => `${AttributeName} (${typeOf(AttributeName)})`).join(', ')
}
