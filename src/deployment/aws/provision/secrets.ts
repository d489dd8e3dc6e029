import { randomBytes } from 'node:crypto'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretResponse,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { causeOf, WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { newKey } from '../../../domain/api-keys.ts'
import { AppError } from '../../../domain/errors.ts'
import { ensure, type Outcome } from './properties.ts'

/** A secret as it is made when there is none. */
export interface NewSecret {
  name: string
  description: string
  /** Makes its first value. */
  value: () => string
}

const CURRENT = 'AWSCURRENT'
/** More than HS256 needs (RFC 7518, section 3.2). */
const JWT_BYTES = 48

export function apiKeySecret(name: string, stage: string): NewSecret {
  const description = 'API keys of the services that call purposepath-prompts'
  const value = () =>
    JSON.stringify({
      api_key: newKey(stage),
      created_at: new Date().toISOString(),
      description,
      version: 1,
      rotation_schedule: '90 days',
    })
  return { name, description, value }
}

export function jwtSecret(name: string): NewSecret {
  return {
    name,
    description: 'What purposepath-prompts signs its own tokens and sessions with',
    value: () => randomBytes(JWT_BYTES).toString('base64url'),
  }
}

/**
 * Makes a secret, or its first value if it has none. A value that is there is neither read nor changed.
 *
 * @throws AppError `conflict` when it is about to be deleted.
 */
export async function provisionSecret(
  secrets: SecretsManagerClient,
  { name, description, value }: NewSecret,
  awsResource: Resource,
): Promise<Outcome> {
  const call = callsOn(awsResource)
  let found: DescribeSecretResponse | undefined
  const look = async () => {
    found = await describeSecret(secrets, name, awsResource)
    return found !== undefined
  }
  const isNew = await ensure(look, () => {
    if (name.startsWith('arn:')) {
      const message = `${awsResource.resource} does not exist, and a new one gets its ARN from AWS. Set ${awsResource.setting} to a name.`
      throw new AppError('not_found', message)
    }
    const create = new CreateSecretCommand({ Name: name, Description: description, SecretString: value() })
    const send = (options: { abortSignal: AbortSignal }) => secrets.send(create, options)
    return call('secretsmanager:CreateSecret', send, WRITE_BUDGET_MS)
  })
  if (isNew) return 'created'
  if (found && hasValue(found)) return 'already there'
  const put = new PutSecretValueCommand({ SecretId: name, SecretString: value() })
  await call('secretsmanager:PutSecretValue', (options) => secrets.send(put, options), WRITE_BUDGET_MS)
  return 'completed'
}

function hasValue({ VersionIdsToStages = {} }: DescribeSecretResponse): boolean {
  return Object.values(VersionIdsToStages).some((stages) => stages.includes(CURRENT))
}

/**
 * What is known of a secret, without its value; `undefined` if there is none.
 *
 * @throws AppError `conflict` when it is about to be deleted.
 */
export async function describeSecret(
  secrets: SecretsManagerClient,
  name: string,
  awsResource: Resource,
): Promise<DescribeSecretResponse | undefined> {
  const command = new DescribeSecretCommand({ SecretId: name })
  let found: DescribeSecretResponse
  try {
    found = await callsOn(awsResource)('secretsmanager:DescribeSecret', (options) =>
      secrets.send(command, options),
    )
  } catch (error) {
    if (causeOf(error) === 'ResourceNotFoundException') return undefined
    throw error
  }
  if (found.DeletedDate === undefined) return found
  const message = `${awsResource.resource} is about to be deleted, and its name is taken until then. Take that back with "aws secretsmanager restore-secret --secret-id ${name}", or choose another name with ${awsResource.setting}.`
  throw new AppError('conflict', message)
}
