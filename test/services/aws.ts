import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Environment } from '../helpers/program.ts'
import type { FaultyServer } from './faulty-server.ts'
import { CREDENTIALS, missingForRealParts, type RealParts } from './real-parts.ts'
import type { Credentials } from './s3.ts'
import { startSecretsManager } from './secrets-manager.ts'

interface AwsEndpoints {
  dynamodb: string
  s3: string
  secretsManager: string
}

/** All that the program needs of AWS. Real DynamoDB and S3 are there once for a whole run of tests. */
export interface AwsParts extends AwsEndpoints {
  region: string
  credentials: Credentials
  /** The stand-in of Secrets Manager, of which the caller is the only user. */
  secrets: FaultyServer
}

/** @param atEnd is given what ends the stand-in; that happens after the test, if left out. */
export async function awsParts(
  atEnd: (stop: () => Promise<void>) => void = onTestFinished,
): Promise<AwsParts> {
  const answer = await fetch(inject('realPartsUrl'))
  if (!answer.ok) throw new Error(await answer.text())
  const { dynamodb, s3 } = (await answer.json()) as Omit<RealParts, 'stop'>
  const secrets = await startSecretsManager()
  atEnd(() => secrets.stop())
  const secretsManager = secrets.endpoint
  return { region: 'us-east-1', credentials: CREDENTIALS, dynamodb, s3, secretsManager, secrets }
}

/** Names that only one test has; what bears them does not exist yet. */
export interface AwsNames {
  stage: string
  table: string
  limitsTable: string
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
    bucket: name,
    apiKeySecret: `${name}/api-keys`,
    jwtSecret: `${name}/jwt`,
  }
}

/** The settings with which the program keeps its data in these parts, under these names. */
export function environmentFor(parts: Omit<AwsParts, 'secrets'>, names: AwsNames): Environment {
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
    PROMPTS_BUCKET: names.bucket,
    PROMPTS_API_KEY_SECRET: names.apiKeySecret,
    PROMPTS_JWT_SECRET_NAME: names.jwtSecret,
    STAGE: names.stage,
  }
}

/**
 * A group of tests that has the parts of AWS; their members are there when the tests run. Where a program is
 * missing the tests are skipped and a line says what to install; in CI they fail.
 */
export function describeWithAws(name: string, tests: (parts: AwsParts) => void): void {
  const missing = missingForRealParts()
  if (missing === undefined) {
    describe(name, () => {
      const parts = {} as AwsParts
      beforeAll(async () => {
        let stop = async () => {}
        const started = await awsParts((end) => {
          stop = end
        })
        Object.assign(parts, started)
        return stop
      })
      tests(parts)
    })
  } else if (process.env['CI']) {
    test(name, () => expect.fail(missing))
  } else {
    process.stderr.write(`Skipped: ${name} ${missing}\n`)
    describe.skip(`${name} (${missing})`, () => tests({} as AwsParts))
  }
}
