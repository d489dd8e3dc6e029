import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { AppError } from '../../domain/errors.ts'
import { MIN_SECRET_BYTES, type SigningSecret } from '../../domain/tokens.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'
import type { Clock } from '../../util/time.ts'
import { CURRENT, holderOf, howToCreate, type SecretCalls, secretCalls } from './secret.ts'
import { type SecretVersions, secretCache, secretReader } from './secret-cache.ts'

const RETRY_SECONDS = 30

/** The JWT secret in AWS. It is never made here: other systems sign tokens with it. */
export interface JwtSecret extends SigningSecret {
  /** For servers: reads it now, so that it is known from the start, and every 30 seconds from now on. */
  start(): Promise<void>
}

/** The JWT secret in AWS Secrets Manager: the raw string, or JSON with a `secret` field. */
export function jwtSecret(
  client: SecretsManagerClient,
  secretName: string,
  clock: Clock,
  outages: OutageOptions,
): JwtSecret {
  const calls = secretCalls(client, secretName, 'PROMPTS_JWT_SECRET_NAME')
  const cache = secretCache<Uint8Array | undefined>({
    calls,
    read: secretReader(calls, (labels) => [holderOf(labels, CURRENT)]),
    interpret: (versions) => versions && currentSecret(calls, versions),
    withoutSecret: 'tokens cannot be verified or signed',
    clock,
    outages,
  })
  return {
    start: cache.start,
    current: cache.current,
    async obtain() {
      const secret = await cache.current()
      if (secret) return secret
      throw new AppError('unavailable', 'Tokens cannot be verified or signed now.', {
        retryAfter: RETRY_SECONDS,
        operatorMessage: `${calls.resource} does not exist or has no value. ${howToCreate(calls)}`,
      })
    },
  }
}

/** @throws AppError `unavailable` for a value that is not a secret; its message does not repeat the value. */
function currentSecret({ resource }: SecretCalls, { labels, texts }: SecretVersions): Uint8Array | undefined {
  const text = texts.get(holderOf(labels, CURRENT) ?? '')
  if (text === undefined) return undefined
  const secret = Buffer.from(secretIn(text) ?? '')
  if (secret.length >= MIN_SECRET_BYTES) return secret
  throw new AppError('unavailable', 'Tokens cannot be verified or signed now.', {
    retryAfter: RETRY_SECONDS,
    operatorMessage: `${resource} is invalid: expected a text of at least ${MIN_SECRET_BYTES} bytes, or JSON with such a "secret". Fix it: tokens that were signed with another one end then.`,
  })
}

/**
 * The secret in the text of a version: the member `secret` of a JSON object. A text that is not a JSON object is a
 * secret as it stands.
 *
 * @returns `undefined` for an object without such a member.
 */
export function secretIn(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  if (typeof value !== 'object' || value === null) return text
  const { secret } = value as { secret?: unknown }
  return typeof secret === 'string' ? secret : undefined
}
