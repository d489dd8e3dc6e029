import { randomUUID } from 'node:crypto'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { onTestFinished } from 'vitest'
import { clientSettings } from '../../../src/adapters/aws/calls.ts'
import { startSecretsManager } from '../../stand-ins/secrets-manager.ts'

export const SECRET = 'purposepath-backend-api-token-test'

export interface Entry {
  id: string
  name: string
  api_key: string
  created_at?: string
  expires_at?: string
}

/** The value of the design document, with a key that is recognised in any text. */
export function keyJson(api_key: string, keys?: Entry[], more: object = {}) {
  const created_at = '2026-01-01T00:00:00.000Z'
  const description = 'Backend API integration token'
  return { api_key, created_at, description, version: 'v1', rotation_schedule: '90_days', keys, ...more }
}

export const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  id: `id-${name}`,
  name,
  api_key: `CANARY-SECRET-of-${name}`,
  ...more,
})

/** The stand-in, a client of it and what a test looks at and does past the program. */
export async function openSecret(initial?: object | string, name = SECRET) {
  const server = await startSecretsManager()
  onTestFinished(() => server.stop())
  const credentials = { accessKeyId: 'TESTS', secretAccessKey: 'tests-only' }
  const settings = { region: 'us-east-1', credentials, endpoint: server.endpoint }
  const client = new SecretsManagerClient({ ...clientSettings, ...settings })
  const SecretId = name
  const textOf = (value: object | string) => (typeof value === 'string' ? value : JSON.stringify(value))

  const make = (value: object | string) =>
    client.send(new CreateSecretCommand({ Name: name, SecretString: textOf(value) }))
  if (initial !== undefined) await make(initial)
  server.reset()

  return {
    server,
    client,
    /** The settings with which the program uses it. */
    environment: {
      PROMPTS_STORE: 'aws',
      STAGE: 'test',
      AWS_REGION: settings.region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: server.endpoint,
    },
    make,
    /** Adds a version under a label, and answers its id. */
    async put(value: object | string, label = 'AWSCURRENT') {
      const id = randomUUID()
      await client.send(
        new PutSecretValueCommand({
          SecretId,
          SecretString: textOf(value),
          VersionStages: [label],
          ClientRequestToken: id,
        }),
      )
      return id
    },
    async move(label: string, to: string | undefined, from: string | undefined) {
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: label,
          MoveToVersionId: to,
          RemoveFromVersionId: from,
        }),
      )
    },
    async read(label = 'AWSCURRENT') {
      const { SecretString = '' } = await client.send(
        new GetSecretValueCommand({ SecretId, VersionStage: label }),
      )
      return JSON.parse(SecretString) as ReturnType<typeof keyJson>
    },
    /** Version ids by label. */
    async labels(): Promise<Record<string, string>> {
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }))
      return Object.fromEntries(
        Object.entries(VersionIdsToStages).flatMap(([id, labels]) => labels.map((label) => [label, id])),
      )
    },
    remove: () => client.send(new DeleteSecretCommand({ SecretId })),
    /** How often an operation was asked for. */
    count: (op: string) => server.requests.filter((request) => request.op === op).length,
  }
}

export type OpenSecret = Awaited<ReturnType<typeof openSecret>>

/** Collects warnings, and everything that their causes tell. */
export function collectWarnings() {
  const told: string[] = []
  const warn = (message: string, cause?: unknown) => {
    told.push(`${message} ${allOf(cause)}`)
  }
  return { told, warn }
}

/** All that a log could show of an error. */
export function allOf(error: unknown): string {
  if (!(error instanceof Error)) return error === undefined ? '' : JSON.stringify(error)
  const { name, message, stack, cause, ...members } = error
  return [name, message, stack, JSON.stringify(members), allOf(cause)].join(' ')
}
