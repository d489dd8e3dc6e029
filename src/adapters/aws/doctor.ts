import { callAws } from './calls.ts'
import { checkBucket } from './doctor/bucket.ts'
import { attempt, type Check, ok } from './doctor/checks.ts'
import { checkSecret, judgeApiKeys, judgeJwtSecret } from './doctor/secrets.ts'
import { checkLimitsTable, checkTopicsTable } from './doctor/tables.ts'
import { type AwsClients, type ResourceNames, resourcesOf } from './resources.ts'

/** Looks at everything that a deployment needs, and changes nothing. Fails never: what cannot be seen is told. */
export async function checkAws(clients: AwsClients, names: ResourceNames): Promise<Check[]> {
  const access = await attempt(() => checkAccess(clients))
  if (access.some(({ level }) => level === 'fail')) return access
  const { apiKeySecret, jwtSecret } = resourcesOf(names)
  const { secrets } = clients
  const groups = await Promise.all([
    attempt(() => checkTopicsTable(clients, names)),
    attempt(() => checkLimitsTable(clients, names)),
    attempt(() => checkBucket(clients, names)),
    attempt(() => checkSecret(secrets, names.apiKeySecret, apiKeySecret, judgeApiKeys(apiKeySecret))),
    attempt(() => checkSecret(secrets, names.jwtSecret, jwtSecret, judgeJwtSecret(jwtSecret))),
  ])
  return [...access, ...groups.flat()]
}

/** Without these no call can be made. */
async function checkAccess({ dynamodb: { config } }: AwsClients): Promise<Check[]> {
  const place = { action: 'Every call', resource: 'AWS', setting: 'AWS_REGION' }
  const region = await callAws(place, () => config.region())
  await callAws(place, () => config.credentials())
  return [ok(`AWS: region ${region}, with credentials`)]
}
