import type { S3Client } from '@aws-sdk/client-s3'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { dynamoClient } from '../dynamodb/client.ts'
import { s3Client } from '../s3/client.ts'
import { secretsClient } from '../secrets-manager/client.ts'
import { callAws } from './calls.ts'

/** What a deployment consists of, by name. */
export interface ResourceNames {
  table: string
  limitsTable: string
  bucket: string
  apiKeySecret: string
  jwtSecret: string
}

export interface AwsClients {
  dynamodb: DynamoDBDocumentClient
  s3: S3Client
  secrets: SecretsManagerClient
}

/** @param forcePathStyle for S3-compatible servers that know no host name for each bucket. */
export function awsClients({ forcePathStyle }: { forcePathStyle: boolean }): AwsClients {
  return { dynamodb: dynamoClient(), s3: s3Client({ forcePathStyle }), secrets: secretsClient() }
}

/** One resource, in the words of failures: `resource` is what it is, `setting` is what names it. */
export interface Resource {
  resource: string
  setting: string
}

/** Every resource of a deployment. */
export function resourcesOf(names: ResourceNames): Record<keyof ResourceNames, Resource> {
  return {
    table: { resource: `table ${names.table}`, setting: 'PROMPTS_TABLE' },
    limitsTable: { resource: `table ${names.limitsTable}`, setting: 'PROMPTS_LIMITS_TABLE' },
    bucket: { resource: `bucket ${names.bucket}`, setting: 'PROMPTS_BUCKET' },
    apiKeySecret: { resource: `secret ${names.apiKeySecret}`, setting: 'PROMPTS_API_KEY_SECRET' },
    jwtSecret: { resource: `secret ${names.jwtSecret}`, setting: 'PROMPTS_JWT_SECRET_NAME' },
  }
}

/** {@link callAws} for one resource, with the IAM action that the call needs. */
export type Call = <T>(
  action: string,
  work: (options: { abortSignal: AbortSignal }) => Promise<T>,
  budgetMs?: number,
) => Promise<T>

export function callsOn(resource: Resource): Call {
  return (action, work, budgetMs) => callAws({ action, ...resource }, work, budgetMs)
}
