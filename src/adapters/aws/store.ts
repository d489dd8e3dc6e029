import type { S3Client } from '@aws-sdk/client-s3'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { PromptStore } from '../../domain/prompt-store.ts'
import type { TopicRepository } from '../../domain/topic.ts'
import { changeFeed } from '../dynamodb/feed.ts'
import { promptsEver, topicIn } from '../dynamodb/record.ts'
import { dynamoTopics, itemReader } from '../dynamodb/topics.ts'
import { s3Objects } from '../s3/object-store.ts'
import { s3Prompts } from '../s3/prompts.ts'

export interface AwsStoreOptions {
  dynamodb: DynamoDBDocumentClient
  s3: S3Client
  table: string
  bucket: string
  /** The account that the bucket must belong to, where it is known. */
  owner: () => Promise<string | undefined>
  freshnessMs: number
  reconcileMs: number
  warn: (message: string, cause?: unknown) => void
}

/** Topics in DynamoDB with their texts in S3. */
export function awsStore({ dynamodb, s3, bucket, owner, ...options }: AwsStoreOptions): {
  topics: TopicRepository
  prompts: PromptStore
} {
  const objects = s3Objects(s3, bucket, owner)
  const feed = changeFeed(dynamodb, options.table)
  const readItem = itemReader(dynamodb, options.table)
  return {
    topics: dynamoTopics({ ...options, client: dynamodb, feed, objects }),
    prompts: s3Prompts(objects, async (topic_id, prompt_type) => {
      const item = await readItem(topic_id)
      return promptsEver(item, item && (await topicIn(item, objects))).get(prompt_type)
    }),
  }
}
