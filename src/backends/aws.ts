import { accountOf } from '../adapters/aws/account.ts'
import { awsClients } from '../adapters/aws/resources.ts'
import { awsStore } from '../adapters/aws/store.ts'
import { dynamoCounts } from '../adapters/dynamodb/shared-counts.ts'
import { dynamoSignInCodes } from '../adapters/dynamodb/sign-in-codes.ts'
import { windowRateLimiter } from '../adapters/memory/rate-limiter.ts'
import { secretKeys } from '../adapters/secrets-manager/api-keys.ts'
import { jwtSecret } from '../adapters/secrets-manager/jwt-secret.ts'
import { awsSecretSettings } from '../adapters/secrets-manager/secret-settings.ts'
import { keepSnapshot, withSnapshot } from '../adapters/snapshot/snapshot.ts'
import type { Config } from '../config.ts'
import { systemClock as clock } from '../util/time.ts'
import type { Backend, BackendOptions } from './backend.ts'

/** Topics and limits in DynamoDB, texts in S3, secrets in Secrets Manager. */
export function awsBackend(config: Config, { warn, onThrottled, longRunning }: BackendOptions): Backend {
  const { aws, stage, limits, freshnessMs, reconcileMs, staleIfErrorMs } = config
  const clients = awsClients({ ...aws, onThrottled })
  const { dynamodb, s3, secrets } = clients
  const outages = { staleIfErrorMs, warn }
  const { table, bucket, settingsSecret, snapshotFile: path } = aws
  const snapshot = path === undefined ? undefined : { path, store: `${table} ${bucket}` }
  return {
    seedsItself: false,
    describe: () => ({
      data: table,
      conversations: `table ${aws.conversationsTable}`,
      fix: 'it is fixed',
    }),
    // Loaded when they are called: servers and most commands need neither.
    async *check() {
      const { checkAws } = await import('../deployment/aws/doctor/doctor.ts')
      yield* await checkAws(clients, aws)
    },
    async provision(options) {
      const { provision } = await import('../deployment/aws/provision/provision.ts')
      await provision({ names: aws, clients, stage, ...options })
    },
    async openStore() {
      const account = accountOf(dynamodb, table)
      const owner = async () => (await account()).id
      const store = awsStore({ dynamodb, s3, table, bucket, owner, freshnessMs, reconcileMs, warn })
      return snapshot ? withSnapshot(store, snapshot) : store
    },
    async openLimiter() {
      const counts = dynamoCounts({ client: dynamodb, table: aws.limitsTable, warn })
      return windowRateLimiter({ perMinute: limits, clock, counts })
    },
    async openKeys() {
      const keys = secretKeys(secrets, aws.apiKeySecret, stage, clock, outages)
      if (longRunning) await keys.start()
      return keys
    },
    async openSecret() {
      const secret = jwtSecret(secrets, aws.jwtSecret, clock, outages)
      if (longRunning) await secret.start()
      return secret
    },
    secretSetting:
      settingsSecret === undefined
        ? async () => undefined
        : awsSecretSettings(secrets, settingsSecret, clock, outages),
    openSignInCodes: async () => dynamoSignInCodes(dynamodb, aws.limitsTable, clock),
    async openConversations() {
      const { dynamoConversations } = await import('../adapters/dynamodb/conversations.ts')
      return dynamoConversations(dynamodb, aws.conversationsTable, clock)
    },
    keepSnapshot(source) {
      if (snapshot) keepSnapshot(snapshot, source, warn)
    },
  }
}
