import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { callsOn } from '../aws/resources.ts'
import { revisionOf, type TopicItem } from './record.ts'

/** Attribute of a topic's item: the instance that may change the topic first. No field of a topic has this name. */
export const PRIORITY_ATTRIBUTE = '#turn'

/** An edit that has lost this often claims priority. */
const LOSSES_BEFORE_CLAIM = 3
/** Longest wait for another instance that has priority: it may be dead. */
const PATIENCE_MS = 2_000
const POLL_MS = 25

/**
 * Write priority among instances that change the same topic. Without it a fast instance could win for a long time
 * against one that must first read each text it lost to. Priority is a courtesy and no lock: the revision of the
 * record decides which write succeeds.
 */
export interface WritePriority {
  /** Whether an instance other than this one has priority, given the attribute of the topic's item. */
  isOthers(holder: unknown): boolean

  /**
   * Reads a topic's item, and waits while another instance has priority and the item is still at `revision`: an edit of
   * an older one has lost already.
   */
  yieldTo(topic_id: string, revision: number): Promise<TopicItem | undefined>

  /**
   * Claims priority for an edit that has lost `losses` times. It ends with this instance's next change. What keeps it
   * from being claimed is no error of the edit.
   */
  claim(topic_id: string, losses: number): Promise<void>
}

export function writePriority(
  client: DynamoDBDocumentClient,
  table: string,
  readItem: (topic_id: string) => Promise<TopicItem | undefined>,
): WritePriority {
  const instance = randomUUID()
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_TABLE' })
  const isOthers = (holder: unknown) => holder !== undefined && holder !== instance

  return {
    isOthers,

    async yieldTo(topic_id, revision) {
      const impatientAt = performance.now() + PATIENCE_MS
      for (;;) {
        const item = await readItem(topic_id)
        const isFree = !isOthers(item?.[PRIORITY_ATTRIBUTE]) || revisionOf(item) !== revision
        if (isFree || performance.now() > impatientAt) return item
        await setTimeout(POLL_MS)
      }
    },

    async claim(topic_id, losses) {
      if (losses < LOSSES_BEFORE_CLAIM) return
      const command = new UpdateCommand({
        TableName: table,
        Key: { topic_id },
        UpdateExpression: 'SET #priority = :instance',
        ConditionExpression: 'attribute_exists(topic_id) AND attribute_not_exists(#priority)',
        ExpressionAttributeNames: { '#priority': PRIORITY_ATTRIBUTE },
        ExpressionAttributeValues: { ':instance': instance },
      })
      // Without priority (another instance has it, or the table refuses) the edit goes on as those that ask for none.
      await call('dynamodb:UpdateItem', (options) => client.send(command, options)).catch(() => {})
    },
  }
}
