import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { callAws, causeOf } from '../aws/calls.ts'
import { revisionOf, type TopicItem } from './record.ts'

/** Attribute of a topic's item: the instance whose turn it is to change the topic. Nobody else has such a name. */
export const TURN = '#turn'

/** An edit that has lost this often asks for a turn. */
const LOSSES_BEFORE_TURN = 3
/** Longest wait for somebody whose turn it is: they may be dead. */
const PATIENCE_MS = 2_000
const LOOK_AGAIN_MS = 25

/**
 * Turns of instances that change the same topic. A fast instance could otherwise win for a long time against one that
 * must read each text it lost to first. Asking politely, no lock: what decides stays the revision of the record.
 */
export interface Turns {
  /**
   * Reads a topic's item. Waits while it is another instance's turn and the item is still at `revision`: an edit of an
   * older one has lost already.
   */
  await(topic_id: string, revision: number): Promise<TopicItem | undefined>

  /** Asks for the next turn, for an edit that has lost `losses` times; it ends with this instance's next change. */
  ask(topic_id: string, losses: number): Promise<void>
}

export function topicTurns(
  client: DynamoDBDocumentClient,
  table: string,
  readItem: (topic_id: string) => Promise<TopicItem | undefined>,
): Turns {
  const instance = randomUUID()
  const place = { action: 'dynamodb:UpdateItem', resource: `table ${table}`, setting: 'PROMPTS_TABLE' }

  return {
    async await(topic_id, revision) {
      const impatientAt = performance.now() + PATIENCE_MS
      for (;;) {
        const item = await readItem(topic_id)
        const turn = item?.[TURN]
        const isFree = turn === undefined || turn === instance || revisionOf(item) !== revision
        if (isFree || performance.now() > impatientAt) return item
        await setTimeout(LOOK_AGAIN_MS)
      }
    },

    async ask(topic_id, losses) {
      if (losses < LOSSES_BEFORE_TURN) return
      const command = new UpdateCommand({
        TableName: table,
        Key: { topic_id },
        UpdateExpression: 'SET #turn = :instance',
        ConditionExpression: 'attribute_exists(topic_id) AND attribute_not_exists(#turn)',
        ExpressionAttributeNames: { '#turn': TURN },
        ExpressionAttributeValues: { ':instance': instance },
      })
      await callAws(place, (options) => client.send(command, options)).catch((error) => {
        // Somebody else's turn, or a change is being made right now: this edit will lose and ask again.
        if (!/^(ConditionalCheckFailed|TransactionConflict)Exception$/.test(`${causeOf(error)}`)) throw error
      })
    },
  }
}
