import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { DynamoDBDocumentClient, NumberValue } from '@aws-sdk/lib-dynamodb'
import { isExact } from '../../util/json.ts'
import { secretsClient } from '../secrets-manager/client.ts'
import { callAws, clientSettings, retryStrategy } from './calls.ts'

/** What a deployment consists of, by name. */
export interface ResourceNames {
  table: string
  limitsTable: string
  conversationsTable: string
  bucket: string
  apiKeySecret: string
  jwtSecret: string
}

export interface AwsClients {
  dynamodb: DynamoDBDocumentClient
  s3: S3Client
  secrets: SecretsManagerClient
}

/**
 * @param options.forcePathStyle for S3-compatible servers that know no host name for each bucket.
 * @param options.onThrottled called for every attempt that is throttled, with the service.
 */
export function awsClients({
  forcePathStyle,
  onThrottled = () => {},
}: {
  forcePathStyle: boolean
  onThrottled?: ((service: string) => void) | undefined
}): AwsClients {
  const telling = (service: string) => ({ retryStrategy: retryStrategy(() => onThrottled(service)) })
  return {
    dynamodb: dynamoClient(telling('dynamodb')),
    s3: s3Client({ forcePathStyle, ...telling('s3') }),
    secrets: secretsClient(telling('secretsmanager')),
  }
}

/**
 * DynamoDB with plain objects as items. Members that are `undefined` are left out.
 *
 * @param settings instead of what the SDK finds by itself.
 */
export function dynamoClient(settings: DynamoDBClientConfig = {}): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({ ...clientSettings, ...settings }), {
    marshallOptions: { removeUndefinedValues: true },
    unmarshallOptions: { wrapNumbers: numberIn },
  })
}

/** A number of another program that a double does not hold exactly is wrapped: it is never rounded. */
function numberIn(text: string): number | NumberValue {
  const value = Number(text)
  return isExact(value) ? value : NumberValue.from(text)
}

/** @param settings instead of what the SDK finds by itself; `forcePathStyle` for S3-compatible servers. */
export function s3Client(settings: S3ClientConfig = {}): S3Client {
  return new S3Client({
    ...clientSettings,
    // S3-compatible servers do not all support the newer checksums; the record's SHA-256 is checked by us.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...settings,
  })
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
    conversationsTable: {
      resource: `table ${names.conversationsTable}`,
      setting: 'PROMPTS_CONVERSATIONS_TABLE',
    },
    bucket: { resource: `bucket ${names.bucket}`, setting: 'PROMPTS_BUCKET' },
    apiKeySecret: { resource: `secret ${names.apiKeySecret}`, setting: 'PROMPTS_API_KEY_SECRET' },
    jwtSecret: { resource: `secret ${names.jwtSecret}`, setting: 'PROMPTS_JWT_SECRET_NAME' },
  }
}

/** The secret that only deployments with secrets among their settings have. */
export function settingsSecretOf(name: string): Resource {
  return { resource: `secret ${name}`, setting: 'PROMPTS_SETTINGS_SECRET' }
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
