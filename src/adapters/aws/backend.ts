import type { PromptStore } from '../../domain/prompt-store.ts'
import type { TopicRepository } from '../../domain/topic.ts'
import { accountOf } from './account.ts'
import { awsClients, type ResourceNames } from './resources.ts'
import { awsStore } from './store.ts'

export interface AwsBackendOptions {
  aws: ResourceNames & { forcePathStyle: boolean }
  freshnessMs: number
  reconcileMs: number
  warn: (message: string, cause?: unknown) => void
}

/** Everything that `PROMPTS_STORE=aws` keeps elsewhere than the files store. The only module that others load. */
export function openAwsBackend({ aws, ...options }: AwsBackendOptions): {
  topics: TopicRepository
  prompts: PromptStore
} {
  const { dynamodb, s3 } = awsClients(aws)
  const account = accountOf(dynamodb, aws.table)
  const owner = async () => (await account()).id
  return awsStore({ ...options, dynamodb, s3, table: aws.table, bucket: aws.bucket, owner })
}
