import { accountOf } from '../../../adapters/aws/account.ts'
import { callAws } from '../../../adapters/aws/calls.ts'
import { type AwsClients, type ResourceNames, resourcesOf } from '../../../adapters/aws/resources.ts'
import { type Check, ok } from '../../check.ts'
import { checkBucket } from './bucket.ts'
import { attempt } from './checks.ts'
import { checkPins } from './overwritten-versions.ts'
import { checkSecret, judgeApiKeys, judgeJwtSecret } from './secrets.ts'
import { checkLimitsTable, checkTopicsTable } from './tables.ts'

/**
 * Looks at everything that a deployment needs and tries what the program does with it, so that in the end nothing has
 * changed. Fails never: what cannot be seen is told.
 */
export async function checkAws(clients: AwsClients, names: ResourceNames): Promise<Check[]> {
  const access = await attempt(() => checkAccess(clients))
  if (access.some(({ level }) => level === 'fail')) return access
  const { apiKeySecret, jwtSecret } = resourcesOf(names)
  const { dynamodb, secrets } = clients
  // Without its table the account is unknown; that the table is missing is told elsewhere.
  const account = accountOf(dynamodb, names.table)().catch(() => ({ partition: 'aws', id: undefined }))
  const groups = await Promise.all([
    attempt(() => checkTopicsTable(clients, names)),
    attempt(() => checkLimitsTable(clients, names)),
    attempt(async () => checkBucket(clients, names, await account)),
    attempt(() => checkSecret(secrets, names.apiKeySecret, apiKeySecret, judgeApiKeys(apiKeySecret))),
    attempt(() => checkSecret(secrets, names.jwtSecret, jwtSecret, judgeJwtSecret(jwtSecret))),
  ])
  const checks = [...access, ...groups.flat()]
  // What cannot be read has been told.
  if (checks.some(({ level }) => level === 'fail')) return checks
  return [...checks, ...(await attempt(async () => checkPins(clients, names, await account)))]
}

/** Without these no call can be made. */
async function checkAccess({ dynamodb: { config } }: AwsClients): Promise<Check[]> {
  const place = { action: 'Every call', resource: 'AWS', setting: 'AWS_REGION' }
  const region = await callAws(place, () => config.region())
  await callAws(place, () => config.credentials())
  return [ok(`AWS: region ${region}, with credentials`)]
}
