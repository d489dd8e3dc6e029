import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { causeOf } from '../../../adapters/aws/calls.ts'
import { callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { parseKeyDocument } from '../../../adapters/secrets-manager/api-key-document.ts'
import { secretIn } from '../../../adapters/secrets-manager/jwt-secret.ts'
import { secretValue } from '../../../adapters/secrets-manager/secret.ts'
import type { AppError } from '../../../domain/errors.ts'
import { MIN_SECRET_BYTES } from '../../../domain/tokens.ts'
import { type Check, fail, note, ok } from '../../check.ts'
import { describeSecret } from '../provision/secrets.ts'
import { capital, isDenied, PROVISION } from './checks.ts'

/** What is wrong with the text of a secret, without saying any of it. */
type Validate = (text: string) => Check | undefined

/** Looks at a secret; its value appears in no check. */
export async function checkSecret(
  secrets: SecretsManagerClient,
  secretId: string,
  awsResource: Resource,
  validate: Validate,
): Promise<Check[]> {
  const name = capital(awsResource.resource)
  if (!(await describeSecret(secrets, secretId, awsResource))) {
    const text = `${name} does not exist in this account and region. ${PROVISION}, or check ${awsResource.setting}, STAGE and AWS_REGION.`
    return [fail(text)]
  }
  const get = new GetSecretValueCommand({ SecretId: secretId })
  try {
    const version = await callsOn(awsResource)('secretsmanager:GetSecretValue', (options) =>
      secrets.send(get, options),
    )
    return [validate(secretValue(version) ?? '') ?? ok(`${name} is there, can be read and is well-formed`)]
  } catch (error) {
    if (causeOf(error) === 'ResourceNotFoundException') return [fail(`${name} has no value. ${PROVISION}.`)]
    if (isDenied(error) && /KMS/i.test(((error as AppError).cause as Error).message)) {
      return [fail(`${name} cannot be decrypted: add kms:Decrypt on its KMS key to the IAM policy.`)]
    }
    throw error
  }
}

export function validateApiKeys({ resource }: Resource): Validate {
  return (text) => {
    const faults = parseKeyDocument(text)?.faults ?? ['it is no JSON object']
    if (faults.length === 0) return undefined
    return fail(
      `${capital(resource)} is not well-formed: ${faults.join(', ')}. Expected {"api_key": "…", …}.`,
    )
  }
}

export function validateJwtSecret({ resource, setting }: Resource): Validate {
  return (text) => {
    const value = secretIn(text)
    const name = capital(resource)
    if (value === undefined)
      return fail(`${name} is JSON without a text "secret". Expected that, or a raw text.`)
    if (Buffer.byteLength(value) < MIN_SECRET_BYTES) {
      return fail(
        `${name} is too short: no token is verified or signed with less than ${MIN_SECRET_BYTES} bytes. Put a longer value into it, or check ${setting}.`,
      )
    }
    if (!value.endsWith('\n')) return undefined
    return note(
      `${name} ends with a line break. It is part of the secret: tokens signed without it are refused.`,
    )
  }
}
