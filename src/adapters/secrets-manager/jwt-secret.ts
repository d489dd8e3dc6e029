import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import { LEAST_BYTES, type SigningSecret } from '../files/signing-secret.ts'
import type { Outages } from '../files/watched-file.ts'
import { CURRENT, holderOf, type SecretCalls, secretCalls } from './secret.ts'
import { howToCreate, type SecretVersions, secretReader, watchedSecret } from './secret-cache.ts'

const RETRY_SECONDS = 30

/** The JWT secret in AWS. It is never made here: other systems sign tokens with it. */
export interface JwtSecret extends SigningSecret {
  /** Reads it now, so that it is known from the first, and every 30 seconds from now on. */
  start(): Promise<void>
}

/** The JWT secret in AWS Secrets Manager: the raw string, or JSON with a `secret` field (spec §5). */
export function jwtSecret(
  client: SecretsManagerClient,
  secretName: string,
  clock: Clock,
  outages: Outages,
): JwtSecret {
  const calls = secretCalls(client, secretName, 'PROMPTS_JWT_SECRET_NAME')
  const watched = watchedSecret<Uint8Array | undefined>({
    calls,
    read: secretReader(calls, (labels) => [holderOf(labels, CURRENT)]),
    interpret: (versions) => versions && currentSecret(calls, versions),
    withoutSecret: 'tokens cannot be verified or signed',
    clock,
    outages,
  })
  return {
    start: watched.start,
    current: watched.current,
    async obtain() {
      const secret = await watched.current()
      if (secret) return secret
      throw new AppError('unavailable', 'Tokens cannot be verified or signed now.', {
        retryAfter: RETRY_SECONDS,
        operatorMessage: `${calls.resource} does not exist or has no value. ${howToCreate(calls)}`,
      })
    },
  }
}

/** @throws AppError `unavailable` for a value that is no secret; it is not repeated. */
function currentSecret({ resource }: SecretCalls, { labels, texts }: SecretVersions): Uint8Array | undefined {
  const text = texts.get(holderOf(labels, CURRENT) ?? '')
  if (text === undefined) return undefined
  const secret = Buffer.from(secretIn(text) ?? '')
  if (secret.length >= LEAST_BYTES) return secret
  throw new AppError('unavailable', 'Tokens cannot be verified or signed now.', {
    retryAfter: RETRY_SECONDS,
    operatorMessage: `${resource} is invalid: expected a text of at least ${LEAST_BYTES} bytes, or JSON with such a "secret". Mend it: tokens that were signed with another one end then.`,
  })
}

/**
 * The secret in the text of a value: the member `secret` of a JSON object. Texts that are no JSON object are secrets as
 * they stand.
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
