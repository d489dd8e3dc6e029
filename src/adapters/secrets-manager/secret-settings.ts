import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod'
import { AppError } from '../../domain/errors.ts'
import type { FindSecretSetting, SecretSetting } from '../../domain/secret-settings.ts'
import { fieldErrorsOf } from '../../domain/validation.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'
import type { Clock } from '../../util/time.ts'
import { CURRENT, holderOf, type SecretCalls, secretCalls } from './secret.ts'
import { type SecretVersions, secretCache, secretReader } from './secret-cache.ts'
import { parseObject, SecretText } from './secret-text.ts'

const Values = z.strictObject({
  PROMPTS_LLM_API_KEY: SecretText.optional(),
  PROMPTS_OIDC_CLIENT_SECRET: SecretText.optional(),
} satisfies Record<SecretSetting, z.ZodType>)
type Values = z.output<typeof Values>

const UNAVAILABLE = 'A secret of this server cannot be read now.'

/**
 * The settings in a secret of AWS, a JSON object of them by their names. It is read when one is asked for, and again
 * after 30 seconds; in an outage what was read last stays valid.
 */
export function awsSecretSettings(
  client: SecretsManagerClient,
  secretName: string,
  clock: Clock,
  outages: OutageOptions,
): FindSecretSetting {
  const calls = secretCalls(client, secretName, 'PROMPTS_SETTINGS_SECRET')
  const cache = secretCache({
    calls,
    read: secretReader(calls, (labels) => [holderOf(labels, CURRENT)]),
    interpret: (versions) => currentValues(calls, versions),
    message: UNAVAILABLE,
    clock,
    outages,
  })
  return async (name) => (await cache.current())[name]
}

/** @throws AppError `unavailable` for a secret that is missing or not well-formed; its message repeats no value. */
function currentValues({ resource, setting }: SecretCalls, versions: SecretVersions | undefined): Values {
  const text = versions?.texts.get(holderOf(versions.labels, CURRENT) ?? '')
  const { values, fault } =
    text === undefined ? { fault: 'does not exist or has no value' } : parseSettings(text)
  if (values) return values
  throw new AppError('unavailable', UNAVAILABLE, {
    operatorMessage: `${resource} ${fault}. Fix it, or check ${setting}, STAGE and AWS_REGION.`,
  })
}

/** Reads the text of the secret. `fault` is what is wrong with it, without any value. */
export function parseSettings(
  text: string,
): { values: Values; fault?: never } | { values?: never; fault: string } {
  const { data: values, error } = Values.safeParse(parseObject(text))
  if (values) return { values }
  const faults = fieldErrorsOf(error).map(
    ({ path, expected }) => `${path || 'the whole'}: expected ${expected}`,
  )
  return { fault: `is not well-formed (${faults.join(', ')})` }
}
