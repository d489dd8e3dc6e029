import { randomBytes } from 'node:crypto'
import type { Environment } from '../helpers/program.ts'
import type { Credentials } from './s3.ts'

/** Where the parts of AWS are, and who may use them. */
export interface AwsPlace {
  dynamodb: string
  s3: string
  secretsManager: string
  region: string
  credentials: Credentials
}

/** Names that only one test has; what bears them does not exist yet. */
export interface AwsNames {
  stage: string
  table: string
  limitsTable: string
  conversationsTable: string
  bucket: string
  apiKeySecret: string
  jwtSecret: string
}

export function freshNames(): AwsNames {
  const stage = `t${randomBytes(6).toString('hex')}`
  const name = `prompts-${stage}`
  return {
    stage,
    table: name,
    limitsTable: `${name}-limits`,
    conversationsTable: `${name}-conversations`,
    bucket: name,
    apiKeySecret: `${name}/api-keys`,
    jwtSecret: `${name}/jwt`,
  }
}

/** The settings with which the program keeps its data in these parts, under these names. */
export function environmentFor(parts: AwsPlace, names: AwsNames): Environment {
  return {
    PROMPTS_STORE: 'aws',
    AWS_REGION: parts.region,
    AWS_ACCESS_KEY_ID: parts.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: parts.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: parts.dynamodb,
    AWS_ENDPOINT_URL_S3: parts.s3,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: parts.secretsManager,
    PROMPTS_S3_FORCE_PATH_STYLE: 'true',
    PROMPTS_TABLE: names.table,
    PROMPTS_LIMITS_TABLE: names.limitsTable,
    PROMPTS_CONVERSATIONS_TABLE: names.conversationsTable,
    PROMPTS_BUCKET: names.bucket,
    PROMPTS_API_KEY_SECRET: names.apiKeySecret,
    PROMPTS_JWT_SECRET_NAME: names.jwtSecret,
    STAGE: names.stage,
  }
}
