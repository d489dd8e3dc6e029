import { accountOf } from '../../../adapters/aws/account.ts'
import { callAws } from '../../../adapters/aws/calls.ts'
import { type AwsClients, type ResourceNames, resourcesOf } from '../../../adapters/aws/resources.ts'
import { type Check, ok } from '../../check.ts'
import { checkBucket } from './bucket.ts'
import { attempt } from './checks.ts'
import { checkOverwrittenVersions } from './overwritten-versions.ts'
import { checkSecret, checkSettingsSecret, validateApiKeys, validateJwtSecret } from './secrets.ts'
import { checkConversationsTable, checkLimitsTable, checkTopicsTable } from './tables.ts'

/** What is looked at, by name. `settingsSecret`: only where there is one. */
type Names = ResourceNames & { settingsSecret?: string | undefined }

/**
 * Looks at everything that a deployment needs and tries what the program does with it; in the end nothing has changed.
 * Never throws: what cannot be looked at is a check that fails.
 */
export async function checkAws(clients: AwsClients, names: Names): Promise<Check[]> {
  const access = await attempt(() => checkAccess(clients))
  if (access.some(({ level }) => level === 'fail')) return access
  const { apiKeySecret, jwtSecret } = resourcesOf(names)
  const { settingsSecret } = names
  const { dynamodb, secrets } = clients
  // Without its table the account is unknown; a check of its own says that the table is missing.
  const account = accountOf(dynamodb, names.table)().catch(() => ({ partition: 'aws', id: undefined }))
  const groups = await Promise.all([
    attempt(() => checkTopicsTable(clients, names)),
    attempt(() => checkLimitsTable(clients, names)),
    attempt(() => checkConversationsTable(clients, names)),
    attempt(async () => checkBucket(clients, names, await account)),
    attempt(() => checkSecret(secrets, names.apiKeySecret, apiKeySecret, validateApiKeys(apiKeySecret))),
    attempt(() => checkSecret(secrets, names.jwtSecret, jwtSecret, validateJwtSecret(jwtSecret))),
    settingsSecret === undefined ? [] : attempt(() => checkSettingsSecret(secrets, settingsSecret)),
  ])
  const checks = [...access, ...groups.flat()]
  // Checks that fail have said what cannot be read.
  if (checks.some(({ level }) => level === 'fail')) return checks
  return [...checks, ...(await attempt(async () => checkOverwrittenVersions(clients, names, await account)))]
}

/** Without these no call can be made. */
async function checkAccess({ dynamodb: { config } }: AwsClients): Promise<Check[]> {
  const call = { action: 'Every call', resource: 'AWS', setting: 'AWS_REGION' }
  const region = await callAws(call, () => config.region())
  await callAws(call, () => config.credentials())
  return [ok(`AWS: region ${region}, with credentials`)]
}
